// One of the servers behind the proxies of `perf/balance` and `perf/faults`: a number of slots and
// a queue.
//
// A request asks for /work/N, N being the microseconds that it takes on a server of ordinary
// speed. It occupies one of the slots for that time, multiplied by the server's slowness in the
// current phase; while all slots are taken, requests wait in the order they came. The time is
// slept, not computed. With slowness 0 every request is answered 503 after --fail-us, without
// waiting for a slot. /load is answered at once, with the figures that Prequal's probes ask for;
// /healthz is the check. It prints its port.
//
// /long/N is a stream without end, an event every N ms: server-sent events or, where the request
// asks for an upgrade, frames of a WebSocket. It takes no slot. `X-Endpoint` of an answer is --index.
//
// The stage says what ails it (`enum fault`). With --records each request is written down as soon
// as its head is there. SIGTERM ends it; with --graceful it stops listening, closes idle
// connections, answers what it has with `Connection: close` and ends when that is done.

#define _GNU_SOURCE
#include "stage.h"
#include "loopback.h"
#include "records.h"
#include "timers.h"

#include <signal.h>
#include <strings.h>
#include <sys/prctl.h>

enum { headSize = 8 << 10, bodySize = 100, slowFactor = 10, resetEvery = 10 };

// Of the request that a connection carries, one at a time.
enum state { reading, waiting, working, failing, hanging, streaming };

struct connection {
    int descriptor;
    enum state state;
    int gone;                 // the proxy left while its request was inside: freed when it is done
    int isNoted, isDoomed;    // the request is written down; it will be answered with a reset
    int isSocket;             // the stream is a WebSocket
    uint64_t every;           // nanoseconds between the events of a stream
    double work;              // microseconds on a server of ordinary speed
    uint64_t came;
    struct connection *next;  // in the queue
    struct connection *older, *younger;  // of all that are open
    size_t headCount;
    char head[headSize + 1];
};

static struct options {
    int cpu, index, slots, port, isGraceful;
    double slowness[stagePhases];
    uint64_t failAfter;
    const char *stage, *address, *records;
} options = { .cpu = -1, .slots = 8, .slowness = { 1, 1, 1 }, .failAfter = 1000000u,
              .address = "127.0.0.1" };

static struct stage *stage;
static int listener, records = -1;
static struct connection *firstWaiting, *lastWaiting, *youngest;
static size_t inside, busySlots, accepted;
static double recentLatency;  // microseconds, of answered requests
static volatile sig_atomic_t isEnding;

static enum fault ailment(void) {
    return (enum fault)*(volatile uint64_t *)&stage->endpoints[options.index].fault;
}

static void note(enum endpointEvent event, uint32_t number) {
    struct endpointRecord record = { nanoseconds(), number, (uint16_t)event, 0 };
    if (records >= 0 && write(records, &record, sizeof record) != sizeof record) fail("write");
}

static void closeConnection(struct connection *connection) {
    close(connection->descriptor);
    connection->descriptor = -1;
    if (connection->younger) connection->younger->older = connection->older;
    else youngest = connection->older;
    if (connection->older) connection->older->younger = connection->younger;
    if (connection->state == reading || connection->state == hanging) free(connection);
    else connection->gone = 1;
}

// Ends a connection so that the other side meets ECONNRESET.
static void reset(int descriptor) {
    struct linger none = { .l_onoff = 1, .l_linger = 0 };
    setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &none, sizeof none);
}

static void answer(struct connection *connection, const char *status, const char *fields) {
    static const char body[bodySize] =
        "....................................................................................";
    int isLast = isEnding || ailment() == resets;
    char bytes[512];
    int head = snprintf(bytes, sizeof bytes - bodySize,
        "HTTP/1.1 %s\r\nServer: endpoint\r\nX-Endpoint: %d\r\nContent-Type: text/plain\r\n%s%s"
        "Content-Length: %d\r\n\r\n", status, options.index,
        isLast ? "Connection: close\r\n" : "", fields, bodySize);
    memcpy(bytes + head, body, bodySize);
    ssize_t size = head + bodySize;
    // So small an answer finds room in the socket, or the proxy does not read at all.
    if (send(connection->descriptor, bytes, (size_t)size, MSG_NOSIGNAL) != size || isLast)
        closeConnection(connection);
}

// An event of a stream: a chunk, or a frame that holds text.
static void sendEvent(struct connection *connection, uint64_t now) {
    static const char chunk[] = "c\r\ndata: tick\n\n\r\n", frame[] = "\x81\x04tick";
    const char *bytes = connection->isSocket ? frame : chunk;
    ssize_t size = connection->isSocket ? sizeof frame - 1 : sizeof chunk - 1;
    if (send(connection->descriptor, bytes, (size_t)size, MSG_NOSIGNAL) == size)
        return addTimer(connection, now + connection->every);
    connection->state = reading;  // no timer names it any more
    closeConnection(connection);
}

static void startStream(struct connection *connection, uint64_t now, uint64_t milliseconds) {
    // The key is the one of RFC 6455's example, so this is the answer to it.
    static const char socketHead[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZbRK+xOo=\r\n";
    static const char eventsHead[] = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
        "Transfer-Encoding: chunked\r\n";
    char bytes[256];
    int size = snprintf(bytes, sizeof bytes, "%sX-Endpoint: %d\r\n\r\n",
                        connection->isSocket ? socketHead : eventsHead, options.index);
    connection->every = (milliseconds ? milliseconds : 1) * 1000000u;
    if (send(connection->descriptor, bytes, (size_t)size, MSG_NOSIGNAL) != size)
        return closeConnection(connection);
    connection->state = streaming;
    sendEvent(connection, now);
}

static void startWork(struct connection *connection, uint64_t now) {
    double slowness = options.slowness[stagePhase(stage, now)];
    connection->state = working;
    busySlots += 1;
    // What was let in before the server began to fail is still done, at ordinary speed.
    if (!slowness) slowness = 1;
    if (ailment() == slow) slowness *= slowFactor;
    addTimer(connection, now + (uint64_t)(connection->work * slowness * 1e3));
}

// A request to work on is there as a whole.
static void enqueue(struct connection *connection, uint64_t now, int isRefused) {
    inside += 1;
    connection->came = now;
    if (isRefused) {
        connection->state = failing;
        addTimer(connection, now + options.failAfter);
    } else if (busySlots < (size_t)options.slots) {
        startWork(connection, now);
    } else {
        connection->state = waiting;
        connection->next = NULL;
        if (lastWaiting) lastWaiting->next = connection;
        else firstWaiting = connection;
        lastWaiting = connection;
    }
}

static void requestCame(struct connection *connection, const char *path) {
    uint64_t now = nanoseconds();
    int phase = stagePhase(stage, now);
    int isBad = options.slowness[phase] == 0;
    if (connection->isDoomed) {
        reset(connection->descriptor);
        return closeConnection(connection);
    }
    if (ailment() == hangs) {
        connection->state = hanging;
        return;
    }
    if (!strncmp(path, "/healthz ", 9)) {
        stage->endpoints[options.index].checks += 1;
        return answer(connection, "200 OK", "");
    }
    if (!strncmp(path, "/load ", 6)) {
        char fields[128];
        snprintf(fields, sizeof fields, "X-Prequal-Rif: %zu\r\nX-Prequal-Latency-Us: %.0f\r\n",
                 inside, recentLatency);
        return answer(connection, isBad ? "503 Service Unavailable" : "200 OK",
                      isBad ? "" : fields);
    }
    if (!strncmp(path, "/long/", 6))
        return startStream(connection, now, strtoull(path + 6, NULL, 10));
    connection->work = strncmp(path, "/work/", 6) ? 0 : strtod(path + 6, NULL);
    enqueue(connection, now, isBad || ailment() == fails);
    stage->endpoints[options.index].taken[phase] += 1;
    if (inside > stage->endpoints[options.index].most[phase])
        stage->endpoints[options.index].most[phase] = inside;
}

static void timerFired(struct connection *connection, uint64_t now) {
    if (connection->state == streaming) {
        if (connection->gone) return free(connection);
        return sendEvent(connection, now);
    }
    int failed = connection->state == failing;
    inside -= 1;
    connection->state = reading;
    if (!failed) {
        recentLatency += ((double)(now - connection->came) / 1e3 - recentLatency) / 16;
        busySlots -= 1;
        struct connection *next = firstWaiting;
        if (next) {
            firstWaiting = next->next;
            if (!firstWaiting) lastWaiting = NULL;
            startWork(next, now);
        }
    }
    const char *refusal = options.records ? "500 Internal Server Error" : "503 Service Unavailable";
    if (connection->gone) free(connection);
    else answer(connection, failed ? refusal : "200 OK", "");
}

// Bytes of body that follow the head, which ends before `end`.
static size_t bodyLength(const char *line, const char *end) {
    while ((line = memchr(line, '\n', (size_t)(end - line))) && ++line < end)
        if (!strncasecmp(line, "content-length:", 15)) return strtoul(line + 15, NULL, 10);
    return 0;
}

static void readable(struct connection *connection) {
    if (connection->gone) return;
    ssize_t count = recv(connection->descriptor, connection->head + connection->headCount,
                         headSize - connection->headCount, 0);
    if (count < 0 && errno == EAGAIN) return;
    if (count <= 0) return closeConnection(connection);
    if (connection->state == streaming) return;  // frames of the client say nothing
    if (connection->state != reading) refuse("endpoint: a pipelined request");
    connection->headCount += (size_t)count;
    connection->head[connection->headCount] = 0;
    char *blank = strstr(connection->head, "\r\n\r\n");
    if (!blank) {
        if (connection->headCount == headSize) refuse("endpoint: a head too long");
        return;
    }
    const char *path = strchr(connection->head, ' '), *query = strstr(connection->head, "?id=");
    if (!connection->isNoted && query && query < blank) {
        connection->isNoted = 1;
        note(connection->head[0] == 'P' ? eventPost : eventGet,
             (uint32_t)strtoul(query + 4, NULL, 10));
    }
    size_t whole = (size_t)(blank + 4 - connection->head) + bodyLength(connection->head, blank + 2);
    if (connection->headCount < whole && whole <= headSize) return;
    if (connection->headCount != whole) refuse("endpoint: a long body or a pipelined request");
    connection->isSocket = strcasestr(connection->head, "\r\nupgrade: websocket\r\n") != NULL;
    connection->headCount = 0;
    connection->isNoted = 0;
    requestCame(connection, path ? path + 1 : "");
}

static void acceptAll(void) {
    for (;;) {
        int descriptor = acceptNext(listener);
        if (descriptor < 0) return;
        accepted += 1;
        int isDoomed = ailment() == resets && accepted % resetEvery == 0;
        // Of those that are reset every other one is so before anything was read from it.
        if (isDoomed) note(eventReset, 0);
        if (isDoomed && accepted / resetEvery % 2) {
            reset(descriptor);
            close(descriptor);
            continue;
        }
        struct connection *connection = calloc(1, sizeof *connection);
        if (!connection) fail("calloc");
        connection->descriptor = descriptor;
        connection->isDoomed = isDoomed;
        connection->older = youngest;
        if (youngest) youngest->younger = connection;
        youngest = connection;
        watch(descriptor, EPOLLIN, connection);
    }
}

static void parseOptions(int argc, char **argv) {
    for (int i = 1; i + 1 < argc; i += 2) {
        const char *name = argv[i], *value = argv[i + 1];
        double *slowness = options.slowness;
        if (!strcmp(name, "--cpu")) options.cpu = atoi(value);
        else if (!strcmp(name, "--index")) options.index = atoi(value);
        else if (!strcmp(name, "--slots")) options.slots = atoi(value);
        else if (!strcmp(name, "--stage")) options.stage = value;
        else if (!strcmp(name, "--fail-us")) options.failAfter = strtoull(value, NULL, 10) * 1000;
        else if (!strcmp(name, "--address")) options.address = value;
        else if (!strcmp(name, "--port")) options.port = atoi(value);
        else if (!strcmp(name, "--records")) options.records = value;
        else if (!strcmp(name, "--graceful")) options.isGraceful = atoi(value);
        else if (strcmp(name, "--slowness")
                 || sscanf(value, "%lf,%lf,%lf", slowness, slowness + 1, slowness + 2) != 3)
            refuse("usage: endpoint --stage FILE [--index I] [--slots N] [--slowness A,B,C]\n"
                   "  [--fail-us N] [--address IP] [--port N] [--records FILE] [--graceful 0|1]\n"
                   "  [--cpu N]");
    }
    if (options.index < 0 || options.index >= stageEndpoints || options.slots < 1)
        refuse("endpoint: --index or --slots out of range");
}

static void terminated(int number) {
    (void)number;
    isEnding = 1;
}

// One step towards the end: nobody new, nobody idle. What the kernel has accepted counts as there.
static int isEnded(void) {
    if (listener >= 0) {
        acceptAll();
        close(listener);
        listener = -1;
    }
    int isBusy = 0;
    for (struct connection *each = youngest, *older; each; each = older) {
        older = each->older;
        if (each->state == reading) readable(each);  // a request may have come meanwhile
    }
    for (struct connection *each = youngest, *older; each; each = older) {
        older = each->older;
        if (each->state == reading && each->headCount == 0) closeConnection(each);
        else isBusy = isBusy || (each->state != hanging && each->state != streaming);
    }
    return !isBusy;
}

int main(int argc, char **argv) {
    parseOptions(argc, argv);
    if (options.cpu >= 0) pinTo(options.cpu);
    prctl(PR_SET_TIMERSLACK, 1);
    raiseDescriptorLimit();
    // SIGTERM comes while waiting, and at no other time.
    sigset_t blocked, unblocked;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGTERM);
    sigemptyset(&unblocked);
    if (options.isGraceful) {
        sigprocmask(SIG_BLOCK, &blocked, NULL);
        signal(SIGTERM, terminated);
    }
    stage = mapStage(options.stage);
    if (options.records) {
        records = open(options.records, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
        if (records < 0) fail(options.records);
    }
    openPoller();
    listener = listenOn(options.address, options.port);
    note(eventListening, 0);
    watch(listener, EPOLLIN, NULL);
    struct epoll_event events[256];
    for (;;) {
        uint64_t now = nanoseconds();
        while (timerCount && timers[0].due <= now) timerFired(takeTimer(), now);
        if (isEnding && isEnded()) return 0;
        uint64_t wait = timerCount ? timers[0].due - now : 0;
        struct timespec time = { (time_t)(wait / 1000000000u), (long)(wait % 1000000000u) };
        int count = epoll_pwait2(poller, events, 256, timerCount ? &time : NULL, &unblocked);
        for (int i = 0; i < count; i++) {
            if (events[i].data.ptr) readable(events[i].data.ptr);
            else acceptAll();
        }
    }
}
