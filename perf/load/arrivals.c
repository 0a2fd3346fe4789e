// The client of `perf/balance` and `perf/faults`: an open loop. Requests arrive by a Poisson
// process, whether or not earlier ones have been answered.
//
// A latency counts from the instant at which the request was to be sent, so that waiting for the
// proxy, or for this client, is part of it (no coordinated omission). Times and work of all
// requests come from --seed alone: every proxy gets the same ones. A request takes the kept-alive
// connection that has been idle for the longest time, or a new one. It prints its findings as
// JSON once the phases are over and everything is answered or --patience has passed.
//
// With --records each request carries its number, is given up after --patience, and is written down
// there in the end. --posts is the share of requests that are posts, --fresh the share that open a
// connection of their own and say `Connection: close`.

#define _GNU_SOURCE
#include "connections.h"
#include "findings.h"

#include <strings.h>
#include <sys/prctl.h>

enum { headSize = 8 << 10, bufferSize = 64 << 10, postSize = 300 };

struct request {
    uint64_t intended;
    double work;  // microseconds
    uint32_t number;
    int isPost, isFresh;  // fresh: it has a connection of its own
};

struct connection {
    int descriptor, busy;
    int isReused;  // an answer has come on it before
    struct request request;
    struct connection *next, *previous;  // in the list of idle or of busy ones
    int status, closing;
    int64_t bodyLeft;  // -1: the head is not complete
    size_t headCount;
    char head[headSize];
};

struct list { struct connection *first, *last; };

static struct options {
    int port, cpu;
    size_t connections, most;
    double rate, work, patience, posts, fresh;
    uint64_t seed;
    const char *stage, *records;
} options = { .cpu = -1, .connections = 64, .most = 8000, .patience = 3, .seed = 1 };

static struct stage *stage;
static struct list idle, busy;
static struct connection *graves;  // closed; freed once no event can name them any more
static size_t opened, closed;
static struct request *queue;  // requests for which no connection may be opened any more
static size_t queueFirst, queueCount, queueRoom;
static struct clientRecord *records;
static size_t recordCount, recordRoom;

// splitmix64, as a number in (0, 1].
static double draw(uint64_t *state) {
    uint64_t value = (*state += 0x9e3779b97f4a7c15u);
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9u;
    value = (value ^ (value >> 27)) * 0x94d049bb133111ebu;
    return (double)(((value ^ (value >> 31)) >> 11) + 1) / 9007199254740992.0;
}

static void append(struct list *list, struct connection *connection) {
    connection->next = NULL;
    connection->previous = list->last;
    if (list->last) list->last->next = connection;
    else list->first = connection;
    list->last = connection;
}

static void detach(struct list *list, struct connection *connection) {
    if (connection->previous) connection->previous->next = connection->next;
    else list->first = connection->next;
    if (connection->next) connection->next->previous = connection->previous;
    else list->last = connection->previous;
}

static void record(const struct request *request, uint64_t now, int status, int isReused) {
    if (recordCount == recordRoom) {
        recordRoom = recordRoom ? 2 * recordRoom : 1 << 16;
        records = realloc(records, recordRoom * sizeof *records);
        if (!records) fail("realloc");
    }
    records[recordCount++] = (struct clientRecord){ request->intended, now, request->number,
                                                    (uint16_t)status, (uint16_t)(
        (request->isPost ? recordPost : 0) | (isReused ? recordReused : 0)) };
}

// NULL: nobody listens.
static struct connection *openConnection(void) {
    struct connection *connection = malloc(sizeof *connection);
    if (!connection) fail("malloc");
    int descriptor = openSocket(0);
    // On loopback this waits for nothing but room in the backlog.
    if (!connectTo(descriptor, options.port)) {
        if (errno != ECONNREFUSED && errno != ECONNRESET) fail("connect");
        close(descriptor);
        free(connection);
        return NULL;
    }
    *connection = (struct connection){ .descriptor = descriptor, .bodyLeft = -1 };
    watch(descriptor, EPOLLIN, connection);
    opened += 1;
    append(&idle, connection);
    return connection;
}

static void closeConnection(struct connection *connection) {
    detach(connection->busy ? &busy : &idle, connection);
    close(connection->descriptor);
    connection->descriptor = -1;
    connection->next = graves;
    graves = connection;
    closed += 1;
}

static void freeGraves(void) {
    while (graves) {
        struct connection *connection = graves;
        graves = connection->next;
        free(connection);
    }
}

static size_t writeRequest(char *bytes, size_t room, const struct request *request) {
    char query[32] = "", fields[96] = "";
    if (options.records) snprintf(query, sizeof query, "?id=%u", request->number);
    if (request->isPost)
        snprintf(fields, sizeof fields,
                 "Content-Type: application/octet-stream\r\nContent-Length: %d\r\n", postSize);
    int size = snprintf(bytes, room - postSize,
        "%s /work/%.0f%s HTTP/1.1\r\nHost: www.example.com\r\nUser-Agent: perf\r\n"
        "Accept: */*\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n"
        "Cookie: session=8f14e45fceea167a5a36dedd4bea2543; theme=dark\r\n%s%s\r\n",
        request->isPost ? "POST" : "GET", request->work, query, fields,
        request->isFresh ? "Connection: close\r\n" : "");
    if (!request->isPost) return (size_t)size;
    memset(bytes + size, 'x', postSize);
    return (size_t)size + postSize;
}

static void sendRequest(struct connection *connection, struct request request) {
    char bytes[1024];
    ssize_t size = (ssize_t)writeRequest(bytes, sizeof bytes, &request);
    detach(&idle, connection);
    append(&busy, connection);
    connection->busy = 1;
    connection->request = request;
    connection->headCount = 0;
    connection->bodyLeft = -1;
    if (send(connection->descriptor, bytes, (size_t)size, MSG_NOSIGNAL | MSG_DONTWAIT) != size) {
        record(&request, nanoseconds(), broken, connection->isReused);
        closeConnection(connection);
    }
}

static void requestIsDue(struct request request) {
    struct connection *connection = request.isFresh ? NULL : idle.first;
    if (!connection && opened - closed < options.most) {
        connection = openConnection();
        if (!connection) return record(&request, nanoseconds(), refused, 0);
    }
    if (connection) return sendRequest(connection, request);
    if (queueFirst + queueCount == queueRoom) {
        queueRoom = queueRoom ? 2 * queueRoom : 1024;
        queue = realloc(queue, queueRoom * sizeof *queue);
        if (!queue) fail("realloc");
    }
    queue[queueFirst + queueCount++] = request;
}

static void answered(struct connection *connection) {
    record(&connection->request, nanoseconds(), connection->status, connection->isReused);
    if (connection->closing || connection->request.isFresh) {
        closeConnection(connection);
    } else {
        detach(&busy, connection);
        append(&idle, connection);
        connection->busy = 0;
        connection->isReused = 1;
    }
    while (queueCount && idle.first) {
        queueCount -= 1;
        sendRequest(idle.first, queue[queueFirst++]);
    }
}

static void readHead(struct connection *connection, const char *end) {
    const char *line = connection->head;
    connection->status = strncmp(line, "HTTP/1.1 ", 9) ? broken : atoi(line + 9);
    connection->closing = 0;
    connection->bodyLeft = -1;
    while ((line = memchr(line, '\n', (size_t)(end - line))) && ++line < end) {
        if (!strncasecmp(line, "content-length:", 15))
            connection->bodyLeft = strtoll(line + 15, NULL, 10);
        else if (!strncasecmp(line, "connection: close", 17))
            connection->closing = 1;
    }
    if (connection->bodyLeft >= 0) return;
    // An answer of the proxy's own: its status is all that counts, the rest goes with the socket.
    if (connection->status == 200) connection->status = broken;
    connection->closing = 1;
    connection->bodyLeft = 0;
}

static void readable(struct connection *connection) {
    static char buffer[bufferSize];
    if (connection->descriptor < 0) return;
    ssize_t count = recv(connection->descriptor, buffer, bufferSize, MSG_DONTWAIT);
    if (count < 0 && errno == EAGAIN) return;
    if (count <= 0 || !connection->busy) {
        int isCut = connection->bodyLeft >= 0 && connection->status == 200;
        if (connection->busy)
            record(&connection->request, nanoseconds(), isCut ? cut : broken, connection->isReused);
        return closeConnection(connection);
    }
    size_t rest = (size_t)count;
    if (connection->bodyLeft < 0) {
        size_t before = connection->headCount, part = headSize - before;
        if (part > rest) part = rest;
        memcpy(connection->head + before, buffer, part);
        connection->headCount += part;
        char *blank = memmem(connection->head, connection->headCount, "\r\n\r\n", 4);
        if (!blank && connection->headCount < headSize) return;
        if (!blank) refuse("arrivals: a head too long");
        readHead(connection, blank + 2);
        rest -= (size_t)(blank + 4 - connection->head) - before;
    }
    if ((int64_t)rest > connection->bodyLeft && !connection->closing)
        refuse("arrivals: more bytes than announced");
    connection->bodyLeft -= (int64_t)rest;
    if (connection->bodyLeft <= 0) answered(connection);
}

// Nobody waits for ever: what is older than --patience ends without an answer.
static void giveUp(uint64_t now) {
    uint64_t patience = (uint64_t)(options.patience * 1e9);
    while (busy.first && now > busy.first->request.intended + patience) {
        record(&busy.first->request, now, unanswered, busy.first->isReused);
        closeConnection(busy.first);
    }
}

// Serves what is ready until the given instant, at least once.
static void serveUntil(uint64_t instant) {
    struct epoll_event events[256];
    for (;;) {
        uint64_t now = nanoseconds(), wait = instant > now ? instant - now : 0;
        struct timespec time = { (time_t)(wait / 1000000000u), (long)(wait % 1000000000u) };
        int count = epoll_pwait2(poller, events, 256, &time, NULL);
        for (int i = 0; i < count; i++) readable(events[i].data.ptr);
        now = nanoseconds();
        if (options.records) giveUp(now);
        freeGraves();
        if (now >= instant) return;
    }
}

static void run(void) {
    // The harness may move the end while requests are sent.
    const volatile uint64_t *end = &stage->changes[stagePhases - 1];
    uint64_t times = options.seed, works = ~options.seed;
    uint64_t kinds = options.seed ^ 0x3333333333333333u;
    uint64_t ways = options.seed ^ 0x6666666666666666u;
    uint32_t number = 0;
    double next = (double)nanoseconds();
    // Requests of a phase are the same however long the warm-up took: it draws its own numbers.
    uint64_t warmTimes = ~times, warmWorks = times ^ 0x5555555555555555u;
    for (int warm = 1;;) {
        next += -log(draw(warm ? &warmTimes : &times)) * 1e9 / options.rate;
        if (warm && next >= (double)stage->changes[0]) {
            warm = 0;
            next = (double)stage->changes[0] - log(draw(&times)) * 1e9 / options.rate;
        }
        if (next >= (double)*end) break;
        struct request request = { (uint64_t)next,
            -log(draw(warm ? &warmWorks : &works)) * options.work, ++number,
            options.posts > 0 && draw(&kinds) <= options.posts,
            options.fresh > 0 && draw(&ways) <= options.fresh };
        serveUntil(request.intended);
        requestIsDue(request);
    }
    uint64_t last = *end + (uint64_t)(options.patience * 1e9);
    while ((busy.first || queueCount) && nanoseconds() < last) serveUntil(nanoseconds() + 1000000);
    uint64_t now = nanoseconds();
    for (struct connection *each = busy.first; each; each = each->next)
        record(&each->request, now, unanswered, each->isReused);
    for (size_t i = 0; i < queueCount; i++) record(&queue[queueFirst + i], now, unanswered, 0);
}

static void writeRecords(void) {
    FILE *file = fopen(options.records, "wb");
    if (!file || fwrite(records, sizeof *records, recordCount, file) != recordCount
        || fclose(file))
        fail(options.records);
}

static void parseOptions(int argc, char **argv) {
    for (int i = 1; i + 1 < argc; i += 2) {
        const char *name = argv[i], *value = argv[i + 1];
        if (!strcmp(name, "--port")) options.port = atoi(value);
        else if (!strcmp(name, "--cpu")) options.cpu = atoi(value);
        else if (!strcmp(name, "--connections")) options.connections = strtoul(value, NULL, 10);
        else if (!strcmp(name, "--most")) options.most = strtoul(value, NULL, 10);
        else if (!strcmp(name, "--rate")) options.rate = strtod(value, NULL);
        else if (!strcmp(name, "--work-us")) options.work = strtod(value, NULL);
        else if (!strcmp(name, "--patience")) options.patience = strtod(value, NULL);
        else if (!strcmp(name, "--seed")) options.seed = strtoull(value, NULL, 10);
        else if (!strcmp(name, "--stage")) options.stage = value;
        else if (!strcmp(name, "--posts")) options.posts = strtod(value, NULL);
        else if (!strcmp(name, "--fresh")) options.fresh = strtod(value, NULL);
        else if (!strcmp(name, "--records")) options.records = value;
        else refuse("usage: arrivals --port P --stage FILE --rate R --work-us N [--seed N]\n"
                    "  [--connections N] [--most N] [--patience S] [--posts SHARE]\n"
                    "  [--fresh SHARE] [--records FILE] [--cpu N]");
    }
    if (!options.port || options.rate <= 0 || options.work <= 0)
        refuse("arrivals: --port, --rate and --work-us are needed");
}

int main(int argc, char **argv) {
    parseOptions(argc, argv);
    if (options.cpu >= 0) pinTo(options.cpu);
    prctl(PR_SET_TIMERSLACK, 1);
    raiseDescriptorLimit();
    stage = mapStage(options.stage);
    if (!stage->changes[stagePhases - 1]) refuse("arrivals: the phases have no times");
    openPoller();
    for (size_t i = 0; i < options.connections; i++) openConnection();
    run();
    if (options.records) writeRecords();
    printf("{");
    printPhases(stage, records, recordCount, "first", 1, 1, ", ");
    printPhases(stage, records, recordCount, "second", 2, 2, ", ");
    printPhases(stage, records, recordCount, "both", 1, 2, ", ");
    printf("\"opened\": %zu, \"closed\": %zu}\n", opened, closed);
    return 0;
}
