/*
 * The load of the benchmarks: one thread, epoll, and events counted as a browser would: blocks with data, ended by an
 * empty line, whatever the chunks they came in. Prints one line of JSON.
 *
 *   load requests --connections 50 --count 1000 --path /orders [--body TEXT]   answers, one after the other
 *   load streams  --connections 100 --events 5000 --path /gen [--width 64]     events, then leaves; width: at a time
 *   load fanout   --connections 1000 --events 200 --path /live --publish /publish?count=200
 *                 [--silent 10]                                                the last so many never read
 *   load idle     --connections 5000 --path /live                              opens, waits for a line, leaves
 *
 * Every mode takes --port. fanout and idle say "ready" when all are connected, and go on after a line on stdin. Data of fanout begin with "<ns> <sequence> ": the time on CLOCK_MONOTONIC when they were made,
 * from which the latency is taken, and a sequence from 0, by which lost, doubled and reordered events are found.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum framing { BY_CLOSE, BY_LENGTH, BY_CHUNKS };
enum part { HEAD, CHUNK_SIZE, CHUNK, CHUNK_END, LAST, BODY, DONE };

struct connection {
  int fd, silent, open;
  enum part part;
  enum framing framing;
  int status;
  long left;          /* bytes of the chunk, or of the body */
  char line[256];     /* what has come of the line */
  int length;         /* how much of it; what is over the buffer is counted and forgotten */
  int data;           /* whether the block has data */
  long events;        /* or answers */
  long next;          /* the sequence that comes next */
  double began;
};

static const char *path = "/", *body, *publish;
static int port, connections = 1, silent, width;
static long count = 1, events = 1;
static int fan, streams, requests, idle;
static struct connection *all;
static int poll_fd, opened, over, ready;
static char *request;
static int request_length;
static long total, lost, doubled, reordered, failed;
static double *firsts, *latencies;
static long first_count, latency_count, latency_room;
static double started, last_event, busy;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

static void die(const char *what) {
  fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
  exit(1);
}

static int dial(void) {
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
  if (fd < 0) die("socket");
  if (connect(fd, (struct sockaddr *)&to, sizeof to) < 0) die("connect");
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  return fd;
}

static void ask(struct connection *c) {
  c->part = HEAD;
  c->framing = BY_CLOSE;
  c->length = c->data = 0;
  c->status = 0;
  if (write(c->fd, request, request_length) != request_length) die("write");
}

static void begin(struct connection *c) {
  c->began = now();
  c->fd = dial();
  c->open = 1;
  opened++;
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
  if (!c->silent && epoll_ctl(poll_fd, EPOLL_CTL_ADD, c->fd, &event) < 0) die("epoll_ctl");
  ask(c);
  fcntl(c->fd, F_SETFL, O_NONBLOCK);
}

static void end(struct connection *c) {
  if (!c->open) return;
  c->open = 0;
  close(c->fd);
  over++;
}

static void note_latency(double made) {
  if (latency_count == latency_room) {
    latency_room = latency_room ? latency_room * 2 : 1 << 16;
    latencies = realloc(latencies, latency_room * sizeof *latencies);
  }
  latencies[latency_count++] = last_event - made;
}

/* The data of one event: "<ns> <sequence> ". */
static void take_data(struct connection *c) {
  char *rest, *text = c->line + 5;
  /* Some send text as JSON. */
  while (*text == ' ' || *text == '"') text++;
  unsigned long long ns = strtoull(text, &rest, 10);
  char *digits = rest;
  long sequence = strtol(digits, &rest, 10);
  if (rest == digits || ns == 0) return;
  note_latency(ns / 1e6);
  if (sequence == c->next) c->next++;
  else if (sequence > c->next) {
    lost += sequence - c->next;
    c->next = sequence + 1;
  } else if (sequence == c->next - 1) doubled++;
  else reordered++;
}

static void take_event(struct connection *c) {
  if (c->events++ == 0) firsts[first_count++] = last_event - c->began;
  total++;
  c->data = 0;
  if (streams && c->events == events) end(c);
}

static void take_line(struct connection *c) {
  if (c->length == 0) {
    if (c->data) take_event(c);
  } else if (strncmp(c->line, "data:", 5) == 0) {
    if (fan && !c->data) take_data(c);
    c->data = 1;
  }
  c->length = 0;
}

static void take_answer(struct connection *c) {
  c->part = DONE;
  if (c->status < 200 || c->status > 299) failed++;
  if (c->events++ == 0) firsts[first_count++] = last_event - c->began;
  total++;
  if (c->events == count) end(c);
  else ask(c);
}

static void take_header(struct connection *c) {
  if (c->length == 0) {
    if (c->status < 200 || c->status > 299) failed++;
    c->part = c->framing == BY_CHUNKS ? CHUNK_SIZE : BODY;
    if (!requests) ready++;
    if (requests && c->framing == BY_LENGTH && c->left == 0) take_answer(c);
    return;
  }
  if (c->status == 0) c->status = atoi(c->line + 9);
  else if (strncasecmp(c->line, "content-length:", 15) == 0) {
    c->framing = BY_LENGTH;
    c->left = atol(c->line + 15);
  } else if (strncasecmp(c->line, "transfer-encoding: chunked", 26) == 0) c->framing = BY_CHUNKS;
  c->length = 0;
}

/* Adds to the line; says how much was used, and whether the line is whole. */
static long gather(struct connection *c, const char *bytes, long size, int *whole) {
  const char *newline = memchr(bytes, '\n', size);
  long used = newline ? newline - bytes : size;
  long keep = used;
  if (c->length + keep > (long)sizeof c->line - 1) keep = sizeof c->line - 1 - c->length;
  if (keep > 0) memcpy(c->line + c->length, bytes, keep);
  c->length += keep > 0 ? keep : 0;
  *whole = newline != NULL;
  if (newline) {
    if (c->length > 0 && c->line[c->length - 1] == '\r') c->length--;
    c->line[c->length] = 0;
    used++;
  }
  return used;
}

static void take_body(struct connection *c, const char *bytes, long size) {
  if (requests || idle) return;
  while (size > 0 && c->open) {
    int whole;
    long used = gather(c, bytes, size, &whole);
    if (whole) take_line(c);
    bytes += used;
    size -= used;
  }
}

/* The size of a chunk stands on a line of its own, beside the line of the body that the chunk may cut. */
static void take(struct connection *c, const char *bytes, long size) {
  static char held[256];
  while (size > 0 && c->open) {
    long used = 0;
    int whole;
    switch (c->part) {
    case HEAD:
      used = gather(c, bytes, size, &whole);
      if (whole) take_header(c);
      break;
    case CHUNK_SIZE:
      if (*bytes == '\r') used = 1;
      else if (*bytes == '\n') {
        used = 1;
        c->part = c->left ? CHUNK : LAST;
      } else {
        held[0] = *bytes;
        held[1] = 0;
        c->left = c->left * 16 + strtol(held, NULL, 16);
        used = 1;
      }
      break;
    case CHUNK:
      used = size < c->left ? size : c->left;
      c->left -= used;
      take_body(c, bytes, used);
      if (c->left == 0) c->part = CHUNK_END;
      break;
    case CHUNK_END:
      used = 1;
      if (*bytes == '\n') c->part = CHUNK_SIZE;
      break;
    case LAST:
      used = 1;
      if (*bytes != '\n') break;
      c->part = DONE;
      if (requests) take_answer(c);
      break;
    case BODY:
      used = size;
      if (c->framing == BY_LENGTH) {
        if (used > c->left) used = c->left;
        c->left -= used;
      }
      take_body(c, bytes, used);
      if (requests && c->framing == BY_LENGTH && c->left == 0) take_answer(c);
      break;
    case DONE:
      used = size;
      break;
    }
    bytes += used;
    size -= used;
  }
}

static void receive(struct connection *c) {
  static char bytes[1 << 18];
  double before = now();
  long size = read(c->fd, bytes, sizeof bytes);
  if (size < 0 && errno == EAGAIN) return;
  last_event = now();
  if (size <= 0) {
    if (c->events < (requests ? count : events) && !idle) failed++;
    end(c);
  } else take(c, bytes, size);
  busy += now() - before;
}

/* Whatever is there, at once or within a time in milliseconds. */
static void receive_all(int wait) {
  struct epoll_event found[256];
  int n = epoll_wait(poll_fd, found, 256, wait);
  for (int i = 0; i < n; i++) receive(found[i].data.ptr);
}

/* Waits until a condition holds. Spins: a client that sleeps makes each send of the server dearer. */
static void wait_for(int (*met)(void), double seconds) {
  double until = now() + seconds * 1e3;
  while (!met()) {
    receive_all(0);
    while (width && opened < connections && opened - over < width) begin(&all[opened]);
    if (now() > until) {
      fprintf(stderr, "load: timed out with %d of %d connections over, %ld events\n", over, connections, total);
      failed++;
      return;
    }
  }
}

static int all_over(void) { return over == connections; }
static int all_ready(void) { return ready >= connections - silent; }
static int all_told(void) { return total >= (long)(connections - silent) * events || over > 0; }

/* Whoever only listens is let in a few at a time, since the queue of the kernel is short; greetings are none of the events. */
static void listen_all(void) {
  while (opened < connections) {
    begin(&all[opened]);
    int heard = opened < connections - silent ? opened : connections - silent;
    for (double until = now() + 30e3; opened % 100 == 0 && ready < heard && now() < until;) receive_all(1);
  }
  wait_for(all_ready, 30);
  for (double settled = now() + 300; now() < settled;) receive_all(1);
  total = first_count = 0;
  for (int i = 0; i < connections; i++) all[i].events = 0;
}

/* Asks the server to publish, on a connection of its own, and reads on while it does. */
static void publish_all(void) {
  char text[1024], answer[4096];
  int fd = dial();
  int length = snprintf(text, sizeof text,
                        "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", publish);
  if (write(fd, text, length) != length) die("write");
  fcntl(fd, F_SETFL, O_NONBLOCK);
  double until = now() + 60e3;
  while (now() < until) {
    receive_all(0);
    long got = read(fd, answer, sizeof answer);
    if (got == 0 || (got < 0 && errno != EAGAIN)) break;
  }
  close(fd);
}

static int by_size(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double quantile(double *values, long size, double q) {
  if (size == 0) return 0;
  qsort(values, size, sizeof *values, by_size);
  return values[(long)((size - 1) * q)];
}

static void read_options(int argc, char **argv) {
  for (int i = 2; i + 1 < argc; i += 2) {
    const char *name = argv[i] + 2, *value = argv[i + 1];
    if (!strcmp(name, "port")) port = atoi(value);
    else if (!strcmp(name, "connections")) connections = atoi(value);
    else if (!strcmp(name, "path")) path = value;
    else if (!strcmp(name, "body")) body = value;
    else if (!strcmp(name, "count")) count = atol(value);
    else if (!strcmp(name, "events")) events = atol(value);
    else if (!strcmp(name, "publish")) publish = value;
    else if (!strcmp(name, "silent")) silent = atoi(value);
    else if (!strcmp(name, "width")) width = atoi(value);
    else {
      fprintf(stderr, "load: no option --%s\n", name);
      exit(2);
    }
  }
}

int main(int argc, char **argv) {
  const char *mode = argc > 1 ? argv[1] : "";
  requests = !strcmp(mode, "requests");
  streams = !strcmp(mode, "streams");
  fan = !strcmp(mode, "fanout");
  idle = !strcmp(mode, "idle");
  if (!(requests || streams || fan || idle)) {
    fprintf(stderr, "load requests|streams|fanout|idle --port N …: see the head of load.c\n");
    return 2;
  }
  read_options(argc, argv);
  struct rlimit most = {65536, 65536};
  setrlimit(RLIMIT_NOFILE, &most);
  all = calloc(connections, sizeof *all);
  firsts = calloc(connections, sizeof *firsts);
  request_length =
      body ? asprintf(&request, "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                      path, strlen(body), body)
           : asprintf(&request, "GET %s HTTP/1.1\r\nHost: localhost\r\nAccept: %s\r\n\r\n", path,
                      requests ? "*/*" : "text/event-stream");
  poll_fd = epoll_create1(0);
  for (int i = connections - silent; i < connections; i++) all[i].silent = 1;

  started = now();
  if (fan || idle) {
    listen_all();
    /* Whoever started this looks at the server once more, and answers with an empty line. */
    puts("ready");
    fflush(stdout);
    getchar();
    started = now();
    busy = 0;
    if (fan) {
      publish_all();
      wait_for(all_told, 90);
    }
  } else {
    if (width == 0)
      while (opened < connections) begin(&all[opened]);
    wait_for(all_over, 120);
  }

  double seconds = ((fan ? last_event : now()) - started) / 1e3;
  long missing = fan ? (long)(connections - silent) * events - total : 0;
  printf("{\"total\":%ld,\"seconds\":%.4f,\"first\":%.3f,\"p50\":%.3f,\"p99\":%.3f,\"missing\":%ld,\"lost\":%ld,"
         "\"doubled\":%ld,\"reordered\":%ld,\"failed\":%ld,\"busy\":%.4f}\n",
         total, seconds, quantile(firsts, first_count, 0.5), quantile(latencies, latency_count, 0.5),
         quantile(latencies, latency_count, 0.99), missing > 0 ? missing : 0, lost, doubled, reordered, failed, busy / 1e3 / seconds);
  return failed ? 1 : 0;
}
