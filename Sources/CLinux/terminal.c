#define _GNU_SOURCE

#include "weir_terminal.h"

#include <errno.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

// A process has one terminal.
static struct termios before;

int weir_terminal_size(int fd, int *rows, int *columns) {
    struct winsize size;
    if (ioctl(fd, TIOCGWINSZ, &size) < 0) return -errno;
    if (size.ws_row == 0 || size.ws_col == 0) return -ENOTTY;
    *rows = size.ws_row;
    *columns = size.ws_col;
    return 0;
}

int weir_terminal_take(int fd) {
    if (tcgetattr(fd, &before) < 0) return -errno;
    struct termios own = before;
    // Ctrl-C and Ctrl-Z stay signals.
    own.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    own.c_iflag &= ~(tcflag_t)(IXON | ICRNL);
    own.c_cc[VMIN] = 1;
    own.c_cc[VTIME] = 0;
    return tcsetattr(fd, TCSANOW, &own) < 0 ? -errno : 0;
}

void weir_terminal_give_back(int fd) { tcsetattr(fd, TCSANOW, &before); }

int weir_terminal_signals(void) {
    sigset_t set;
    sigemptyset(&set);
    const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGWINCH};
    for (unsigned i = 0; i < sizeof signals / sizeof *signals; i++) sigaddset(&set, signals[i]);
    // A terminal or pipe that is gone shows in what writing returns.
    signal(SIGPIPE, SIG_IGN);
    if (sigprocmask(SIG_BLOCK, &set, NULL) < 0) return -errno;
    int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int weir_terminal_next_signal(int fd) {
    struct signalfd_siginfo info;
    ssize_t n = read(fd, &info, sizeof info);
    if (n < 0) return -errno;
    switch (info.ssi_signo) {
    case SIGWINCH: return weir_terminal_resized;
    case SIGTSTP: return weir_terminal_stop;
    default: return weir_terminal_end;
    }
}

void weir_terminal_pause(void) { raise(SIGSTOP); }
