// One of the servers behind the proxies of `perf/balance`: a number of slots and a queue.
//
// A request asks for /work/N, N being the microseconds that it takes on a server of ordinary
// speed. It occupies one of the slots for that time, multiplied by the server's slowness in the
// current phase; while all slots are taken, requests wait in the order they came. The time is
// slept, not computed. With slowness 0 every request is answered 503 after --fail-us, without
// waiting for a slot. /load is answered at once, with the figures that Prequal's probes ask for.
// It prints its port, and ends on SIGTERM.

#define _GNU_SOURCE
#include "stage.h"
#include "loopback.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>

enum { headSize = 8 << 10, bodySize = 100 };

// Of the request that a connection carries, one at a time.
enum state { reading, waiting, working, failing };

struct connection {
    int descriptor;
    enum state state;
    int gone;                 // the proxy left while its request was inside: freed when it is done
    double work;              // microseconds on a server of ordinary speed
    uint64_t came;
    struct connection *next;  // in the queue
    size_t headCount;
    char head[headSize];
};

struct timer {
    uint64_t due;
    struct connection *connection;
};

static struct options {
    int cpu, index, slots;
    double slowness[stagePhases];
    uint64_t failAfter;
    const char *stage;
} options = { .cpu = -1, .slots = 8, .slowness = { 1, 1, 1 }, .failAfter = 1000000u };

static struct stage *stage;
static int poller;
static struct connection *firstWaiting, *lastWaiting;
static size_t inside, busySlots;
static double recentLatency;  // microseconds, of answered requests
static struct timer *timers;
static size_t timerCount, timerRoom;

static void addTimer(struct connection *connection, uint64_t due) {
    if (timerCount == timerRoom) {
        timerRoom = timerRoom ? 2 * timerRoom : 256;
        timers = realloc(timers, timerRoom * sizeof *timers);
        if (!timers) fail("realloc");
    }
    size_t place = timerCount++;
    while (place && timers[(place - 1) / 2].due > due) {
        timers[place] = timers[(place - 1) / 2];
        place = (place - 1) / 2;
    }
    timers[place] = (struct timer){ due, connection };
}

static struct connection *takeTimer(void) {
    struct connection *connection = timers[0].connection;
    struct timer last = timers[--timerCount];
    size_t place = 0;
    for (;;) {
        size_t child = 2 * place + 1;
        if (child >= timerCount) break;
        if (child + 1 < timerCount && timers[child + 1].due < timers[child].due) child += 1;
        if (timers[child].due >= last.due) break;
        timers[place] = timers[child];
        place = child;
    }
    timers[place] = last;
    return connection;
}

static void closeConnection(struct connection *connection) {
    close(connection->descriptor);
    connection->descriptor = -1;
    if (connection->state == reading) free(connection);
    else connection->gone = 1;
}

static void answer(struct connection *connection, const char *status, const char *fields) {
    static const char body[bodySize] =
        "....................................................................................";
    char bytes[512];
    int head = snprintf(bytes, sizeof bytes - bodySize,
        "HTTP/1.1 %s\r\nServer: endpoint\r\nContent-Type: text/plain\r\n%s"
        "Content-Length: %d\r\n\r\n", status, fields, bodySize);
    memcpy(bytes + head, body, bodySize);
    ssize_t size = head + bodySize;
    // So small an answer finds room in the socket, or the proxy does not read at all.
    if (send(connection->descriptor, bytes, (size_t)size, MSG_NOSIGNAL) != size)
        closeConnection(connection);
}

static void startWork(struct connection *connection, uint64_t now) {
    double slowness = options.slowness[stagePhase(stage, now)];
    connection->state = working;
    busySlots += 1;
    // What was let in before the server began to fail is still done, at ordinary speed.
    addTimer(connection, now + (uint64_t)(connection->work * (slowness ? slowness : 1) * 1e3));
}

static void requestCame(struct connection *connection, const char *path) {
    uint64_t now = nanoseconds();
    int phase = stagePhase(stage, now);
    int fails = options.slowness[phase] == 0;
    if (!strncmp(path, "/load ", 6)) {
        char fields[128];
        snprintf(fields, sizeof fields, "X-Prequal-Rif: %zu\r\nX-Prequal-Latency-Us: %.0f\r\n",
                 inside, recentLatency);
        answer(connection, fails ? "503 Service Unavailable" : "200 OK", fails ? "" : fields);
        return;
    }
    connection->work = strncmp(path, "/work/", 6) ? 0 : strtod(path + 6, NULL);
    connection->came = now;
    inside += 1;
    stage->endpoints[options.index].taken[phase] += 1;
    if (inside > stage->endpoints[options.index].most[phase])
        stage->endpoints[options.index].most[phase] = inside;
    if (fails) {
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

static void timerFired(struct connection *connection, uint64_t now) {
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
    if (connection->gone) free(connection);
    else answer(connection, failed ? "503 Service Unavailable" : "200 OK", "");
}

static void readable(struct connection *connection) {
    if (connection->gone) return;
    ssize_t count = recv(connection->descriptor, connection->head + connection->headCount,
                         headSize - 1 - connection->headCount, 0);
    if (count < 0 && errno == EAGAIN) return;
    if (count <= 0) return closeConnection(connection);
    if (connection->state != reading) refuse("endpoint: a pipelined request");
    connection->headCount += (size_t)count;
    connection->head[connection->headCount] = 0;
    char *blank = strstr(connection->head, "\r\n\r\n");
    if (!blank) {
        if (connection->headCount == headSize - 1) refuse("endpoint: a head too long");
        return;
    }
    if (blank + 4 != connection->head + connection->headCount)
        refuse("endpoint: a request body or a pipelined request");
    connection->headCount = 0;
    const char *path = strchr(connection->head, ' ');
    requestCame(connection, path ? path + 1 : "");
}

static void acceptAll(int listener) {
    for (;;) {
        int descriptor = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), one = 1;
        if (descriptor < 0) return;
        struct connection *connection = calloc(1, sizeof *connection);
        if (!connection) fail("calloc");
        setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        connection->descriptor = descriptor;
        struct epoll_event event = { .events = EPOLLIN, .data.ptr = connection };
        if (epoll_ctl(poller, EPOLL_CTL_ADD, descriptor, &event) < 0) fail("epoll_ctl");
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
        else if (strcmp(name, "--slowness")
                 || sscanf(value, "%lf,%lf,%lf", slowness, slowness + 1, slowness + 2) != 3)
            refuse("usage: endpoint --stage FILE [--index I] [--slots N] [--slowness A,B,C]\n"
                   "  [--fail-us N] [--cpu N]");
    }
    if (options.index < 0 || options.index >= stageEndpoints || options.slots < 1)
        refuse("endpoint: --index or --slots out of range");
}

int main(int argc, char **argv) {
    parseOptions(argc, argv);
    if (options.cpu >= 0) pinTo(options.cpu);
    prctl(PR_SET_TIMERSLACK, 1);
    raiseDescriptorLimit();
    stage = mapStage(options.stage);
    poller = epoll_create1(EPOLL_CLOEXEC);
    int listener = listenOnLoopback();
    struct epoll_event events[256], event = { .events = EPOLLIN, .data.ptr = NULL };
    epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        uint64_t now = nanoseconds();
        while (timerCount && timers[0].due <= now) timerFired(takeTimer(), now);
        uint64_t wait = timerCount ? timers[0].due - now : 0;
        struct timespec time = { (time_t)(wait / 1000000000u), (long)(wait % 1000000000u) };
        int count = epoll_pwait2(poller, events, 256, timerCount ? &time : NULL, NULL);
        for (int i = 0; i < count; i++) {
            if (events[i].data.ptr) readable(events[i].data.ptr);
            else acceptAll(listener);
        }
    }
}
