// An attacker on many connections that says the same over and over, as fast as it is let.
//
// Each connection sends the bytes of --opening, then those of --repeat without end, or with
// --pause one byte of them every so many milliseconds. One that is ended by the other side is
// opened again at once, as is one that got as many heads of answers as --answers says. What comes
// back is read as frames of HTTP/2, and noted: how connections end, which streams are reset and
// why, and what is answered. With --until-answer, for protocols of which nothing is understood
// here, a connection ends with the first byte that comes back.

#define _GNU_SOURCE
#include "connections.h"

#include <signal.h>
#include <sys/stat.h>

enum { frameHead = 9, keptPayload = 8, codes = 16, reading = 64 << 10, sending = 64 << 10 };
enum { typeHeaders = 1, typeReset = 3, typeGoAway = 7 };

struct text {
    const char *bytes;
    size_t size;
};

struct connection {
    int descriptor, isOpen;
    uint64_t started, nextByte;
    size_t opened, repeated;  // bytes sent of the opening, and of what is repeated
    // The frame that is being read.
    unsigned char head[frameHead], payload[keptPayload];
    size_t headCount, payloadCount, payloadLeft;
    int goAway;  // its code, -1 if none came
    size_t answers;
};

static struct options {
    int port, cpu, untilAnswer, idle;
    size_t connections, answers;
    double seconds, pause;
    const char *opening, *repeat, *from;
} options = { .cpu = -1, .connections = 1, .seconds = 30, .from = "127.0.0.66" };

static struct {
    uint64_t opened, bytes, ended[codes], closed, reset, left, streams[codes], answers, large;
    uint64_t longest, shortest;
} found;

static struct text opening, repeat;
static struct connection *connections;
static volatile sig_atomic_t stopping;

static void stop(int number) { (void)number; stopping = 1; }

static struct text readFile(const char *path) {
    if (!path) return (struct text) { "", 0 };
    struct stat status;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0 || fstat(file, &status) < 0) fail(path);
    size_t size = (size_t)status.st_size;
    if (!size) return (struct text) { "", 0 };
    void *bytes = mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, file, 0);
    if (bytes == MAP_FAILED) fail(path);
    close(file);
    return (struct text) { bytes, size };
}

static void openConnection(struct connection *connection) {
    struct sockaddr_in address = { .sin_family = AF_INET };
    int descriptor = openSocket(SOCK_NONBLOCK), one = 1;
    setsockopt(descriptor, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
    // Ports are not to run out: the connection ends with a reset.
    struct linger gone = { 1, 0 };
    setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &gone, sizeof gone);
    if (inet_pton(AF_INET, options.from, &address.sin_addr) != 1
        || bind(descriptor, (struct sockaddr *)&address, sizeof address) < 0) fail("bind");
    *connection = (struct connection) { .descriptor = descriptor, .started = nanoseconds(),
        .goAway = -1, .isOpen = 1 };
    found.opened += 1;
    if (!connectTo(descriptor, options.port)) fail("connect");
    watch(descriptor, EPOLLIN | EPOLLOUT | EPOLLET, connection);
}

static void startOver(struct connection *connection, uint64_t *how) {
    uint64_t life = nanoseconds() - connection->started;
    if (life > found.longest) found.longest = life;
    if (!found.shortest || life < found.shortest) found.shortest = life;
    *(connection->goAway >= 0 ? &found.ended[connection->goAway] : how) += 1;
    close(connection->descriptor);
    connection->isOpen = 0;
    if (!stopping) openConnection(connection);
}

// Sends what comes next; false if the socket takes no more, or is gone.
static int sendSome(struct connection *connection) {
    const char *bytes = opening.bytes + connection->opened;
    size_t count = opening.size - connection->opened, *sent = &connection->opened;
    if (!count) {
        if (!repeat.size) return 0;
        bytes = repeat.bytes + connection->repeated;
        count = repeat.size - connection->repeated;
        sent = &connection->repeated;
        if (options.pause > 0) {
            uint64_t now = nanoseconds();
            if (now < connection->nextByte) return 0;
            connection->nextByte = now + (uint64_t)(options.pause * 1e6);
            count = 1;
        }
    }
    ssize_t done = send(connection->descriptor, bytes, count < sending ? count : sending,
                        MSG_NOSIGNAL);
    if (done < 0) return 0;
    found.bytes += (uint64_t)done;
    *sent += (size_t)done;
    if (connection->repeated == repeat.size) connection->repeated = 0;
    return 1;
}

static uint32_t number(const unsigned char *bytes) {
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

// A frame is complete, or as much of it as is kept.
static void noteFrame(struct connection *connection) {
    const unsigned char *payload = connection->payload;
    uint32_t code = codes - 1;
    switch (connection->head[3]) {
    case typeHeaders:
        found.answers += 1;
        connection->answers += 1;
        // The first answer of its kind on a connection spells its status out.
        if (!memcmp(payload, "\x48\x03" "431", 5)) found.large += 1;
        break;
    case typeReset:
        code = number(payload);
        found.streams[code < codes ? code : codes - 1] += 1;
        break;
    case typeGoAway:
        code = number(payload + 4);
        connection->goAway = code < codes ? (int)code : codes - 1;
        break;
    }
}

static void readFrames(struct connection *connection, const unsigned char *bytes, size_t count) {
    while (count) {
        if (connection->headCount < frameHead) {
            connection->head[connection->headCount++] = *bytes++;
            count -= 1;
            if (connection->headCount < frameHead) continue;
            connection->payloadLeft = number(connection->head) >> 8;
            connection->payloadCount = 0;
        } else {
            size_t part = count < connection->payloadLeft ? count : connection->payloadLeft;
            for (size_t i = 0; i < part && connection->payloadCount < keptPayload; i++)
                connection->payload[connection->payloadCount++] = bytes[i];
            bytes += part;
            count -= part;
            connection->payloadLeft -= part;
        }
        if (connection->payloadLeft) continue;
        connection->headCount = 0;
        noteFrame(connection);
    }
}

static void serve(struct connection *connection) {
    static unsigned char buffer[reading];
    int descriptor = connection->descriptor;
    // No connection has more than a few turns, so that all are served alike.
    for (int turn = 0; turn < 4; turn++) {
        ssize_t count = recv(descriptor, buffer, reading, 0);
        if (count > 0 && options.untilAnswer) return startOver(connection, &found.left);
        if (count > 0) readFrames(connection, buffer, (size_t)count);
        if (options.answers && connection->answers >= options.answers)
            return startOver(connection, &found.left);
        if (count == 0) return startOver(connection, &found.closed);
        if (count < 0 && errno != EAGAIN && errno != ENOTCONN)
            return startOver(connection, &found.reset);
        if (!sendSome(connection) && count < 0) return;
    }
    struct epoll_event event = {
        .events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = connection };
    epoll_ctl(poller, EPOLL_CTL_MOD, descriptor, &event);
}

static void parseOptions(int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        const char *name = argv[i], *value = i + 1 < argc ? argv[i + 1] : "";
        i += 1;
        if (!strcmp(name, "--port")) options.port = atoi(value);
        else if (!strcmp(name, "--cpu")) options.cpu = atoi(value);
        else if (!strcmp(name, "--connections")) options.connections = strtoul(value, NULL, 10);
        else if (!strcmp(name, "--seconds")) options.seconds = strtod(value, NULL);
        else if (!strcmp(name, "--pause")) options.pause = strtod(value, NULL);
        else if (!strcmp(name, "--answers")) options.answers = strtoul(value, NULL, 10);
        else if (!strcmp(name, "--opening")) options.opening = value;
        else if (!strcmp(name, "--repeat")) options.repeat = value;
        else if (!strcmp(name, "--from")) options.from = value;
        else if (i -= 1, !strcmp(name, "--until-answer")) options.untilAnswer = 1;
        else if (!strcmp(name, "--idle")) options.idle = 1;
        else refuse("usage: flood --port P [--connections N] [--seconds S] [--opening FILE]\n"
                    "  [--repeat FILE] [--pause MS] [--answers N] [--until-answer] [--idle]\n"
                    "  [--from ADDRESS] [--cpu N]");
    }
    if (!options.port || !options.connections) refuse("flood: --port is needed");
}

static void printCodes(const char *name, const uint64_t *counts) {
    const char *comma = "";
    printf("\"%s\": {", name);
    for (int code = 0; code < codes; code++) {
        if (!counts[code]) continue;
        printf("%s\"%d\": %llu", comma, code, (unsigned long long)counts[code]);
        comma = ", ";
    }
    printf("}, ");
}

static void run(void) {
    uint64_t end = nanoseconds() + (uint64_t)(options.seconds * 1e9);
    struct epoll_event events[256];
    while (!stopping && nanoseconds() < end) {
        int count = epoll_wait(poller, events, 256, options.pause > 0 ? 20 : 100);
        for (int i = 0; i < count && !stopping; i++) serve(events[i].data.ptr);
        if (options.pause <= 0) continue;
        for (size_t i = 0; i < options.connections; i++) sendSome(&connections[i]);
    }
}

int main(int argc, char **argv) {
    parseOptions(argc, argv);
    if (options.cpu >= 0) pinTo(options.cpu);
    // Whoever else is on this CPU measures, and goes first.
    struct sched_param none = { 0 };
    if (options.idle) sched_setscheduler(0, SCHED_IDLE, &none);
    signal(SIGTERM, stop);
    raiseDescriptorLimit();
    opening = readFile(options.opening);
    repeat = readFile(options.repeat);
    connections = calloc(options.connections, sizeof *connections);
    if (!connections) fail("calloc");
    openPoller();
    uint64_t started = nanoseconds();
    for (size_t i = 0; i < options.connections; i++) openConnection(&connections[i]);
    run();
    size_t held = 0;
    for (size_t i = 0; i < options.connections; i++) held += (size_t)connections[i].isOpen;
    printf("{");
    printCodes("ended", found.ended);
    printCodes("streams", found.streams);
    printf("\"opened\": %llu, \"held\": %zu, \"bytes\": %llu, \"closed\": %llu, \"reset\": %llu, "
           "\"left\": %llu, \"answers\": %llu, \"large\": %llu, \"longest\": %.3f, \"shortest\": %.4f, "
           "\"seconds\": %.2f}\n",
           (unsigned long long)found.opened, held, (unsigned long long)found.bytes,
           (unsigned long long)found.closed, (unsigned long long)found.reset,
           (unsigned long long)found.left, (unsigned long long)found.answers,
           (unsigned long long)found.large,
           (double)found.longest / 1e9, (double)found.shortest / 1e9,
           (double)(nanoseconds() - started) / 1e9);
    return 0;
}
