/* SPDX-License-Identifier: Apache-2.0 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "shim.h"

#include <inttypes.h>
#include <math.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PROTOCOL 2
#define CONDUCTOR 3 /* the descriptor */
#define LINE 8192
#define PATH 2048
#define ALIGNMENT 64
#define PAGE 4096
#define TICKS 1000       /* of the timer that a window lasts at least, and a call in rotate */
#define MARGIN 1.2       /* a later window may be so much faster before it is too short */
#define QUIET_NS 5e8     /* longer silences are announced */
#define MOST_CALLS 65536 /* of a sample in rotate */
#define OBJECTS 4096     /* their numbers lie below it */

/* The protocol as a note of the file, which the host reads before it brings the program to a device. */
#define TEXT(value) #value
#define TEXT_OF(macro) TEXT(macro)
__asm__(".pushsection .note.convbench,\"a\",%note\n"
        "\t.balign 4\n"
        "\t.long 10, 4, 1\n" /* bytes of the owner's name and of the number; type */
        "\t.asciz \"convbench\"\n"
        "\t.balign 4\n"
        "\t.long " TEXT_OF(PROTOCOL) "\n\t.popsection\n");

typedef struct {
    shim_tensors tensors;
    void *object;
} copy;

static const shim_functions *library;
static struct {
    int cpu;
    cpu_set_t cpus; /* for objects of several threads */
    size_t memory;
    double llc, min_ns, max_khz, tick_ns;
} setting;
static struct {
    bool known;
    char name[128], algorithm[64];
    shim_layer shape;
    size_t input, weights, output; /* numbers of values */
    float *data;                   /* input, weights, bias */
} layer;
static struct {
    unsigned char *base;
    size_t bytes;
} arena;
static uint64_t seed;
static size_t threads[OBJECTS]; /* of each, 0: not created */
static copy *copies;
static size_t made;        /* of the copies */
static const copy *latest; /* of the latest sample's last call: its output lies in the arena */
static size_t latest_of;   /* the object whose it is */
static const char *fault;  /* the first that `run` told */
static double times[MOST_CALLS], create_ns, last_said;
static char failure[256]; /* of shim_failed */

/* Lines. */

static char *value_of(char *line, const char *key) { /* decoded, in a room of its own; NULL: not there */
    static char room[8][PATH];
    static unsigned turn;
    size_t length = strlen(key);
    for (char *at = strchr(line, ' '); at; at = strchr(at + 1, ' ')) {
        if (strncmp(at + 1, key, length) || at[1 + length] != '=') {
            continue;
        }
        char *out = room[turn = (turn + 1) % 8], *begin = out;
        for (const char *c = at + 2 + length; *c && *c != ' ' && out < begin + PATH - 1; c++) {
            unsigned byte = (unsigned char)*c;
            if (*c == '%' && sscanf(c + 1, "%2x", &byte) == 1) {
                c += 2;
            }
            *out++ = (char)byte;
        }
        *out = 0;
        return begin;
    }
    return NULL;
}

static double number(char *line, const char *key) {
    const char *text = value_of(line, key);
    return text ? strtod(text, NULL) : 0;
}

static size_t size(char *line, const char *key) {
    return (size_t)number(line, key);
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static double thread_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void say(const char *format, ...) {
    char line[LINE];
    va_list list;
    va_start(list, format);
    int n = vsnprintf(line, sizeof line - 1, format, list);
    va_end(list);
    line[n++] = '\n';
    for (ssize_t sent = 0, more; sent < n; sent += more) {
        more = send(CONDUCTOR, line + sent, (size_t)(n - sent), MSG_NOSIGNAL);
        if (more <= 0) {
            exit(0); /* it hung up */
        }
    }
    last_said = now();
}

typedef struct {
    char text[3 * 256 + 1];
} encoded_text;

static encoded_text encoded(const char *text) {
    encoded_text e = {""};
    for (size_t n = 0; *text && n + 4 < sizeof e.text; text++) {
        bool plain = *text > ' ' && *text != '%' && *text != 127;
        n += (size_t)snprintf(e.text + n, 4, plain ? "%c" : "%%%02X", (unsigned char)*text);
    }
    return e;
}

static void say_why(const char *word, const char *reason, const char *more) {
    say("%s reason=%s%s", word, encoded(reason).text, more);
}

const char *shim_failed(const char *what) {
    snprintf(failure, sizeof failure, "%s", what);
    return failure;
}

/* Alive, and for so long nothing more will be heard. */
static void announce(double ns) {
    if (ns > QUIET_NS) {
        say("busy ns=%.0f", 5 * ns);
    } else if (now() - last_said > QUIET_NS) {
        say("busy");
    }
}

/* Tensors: each sample's lie at other pages and other cache lines, since where they lie changes times by percents. */

static uint64_t draw(uint64_t below) { /* splitmix64 */
    uint64_t z = seed += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return below ? (z ^ (z >> 31)) % below : 0;
}

static size_t pages(size_t values) { /* with room for any line in the first page */
    return values * sizeof(float) / PAGE + 2;
}

static bool make_arena(size_t bytes) {
    if (bytes <= arena.bytes) {
        return true;
    }
    if (arena.base) {
        munmap(arena.base, arena.bytes);
    }
    void *base = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    arena.base = base == MAP_FAILED ? NULL : base;
    arena.bytes = arena.base ? bytes : 0;
    if (arena.base) {
#ifdef MADV_NOHUGEPAGE
        madvise(base, bytes, MADV_NOHUGEPAGE);
#endif
        memset(arena.base, 1, bytes); /* pages are there before anything is timed */
    }
    return arena.base != NULL;
}

/* The next tensor behind *page, after a gap out of the *spare pages. */
static float *take(size_t *page, size_t *spare, size_t tensors_left, size_t values) {
    size_t gap = (size_t)draw(2 * *spare / (tensors_left + 1) + 1);
    gap = gap < *spare ? gap : *spare;
    float *at = (float *)(void *)(arena.base + (*page + gap) * PAGE + draw(PAGE / ALIGNMENT) * ALIGNMENT);
    *spare -= gap;
    *page += gap + pages(values);
    return at;
}

static void destroy(void) {
    while (made) {
        library->destroy(copies[--made].object);
    }
}

/* The tensors placed anew and made for that object, so often. Else it has answered. */
static bool place(size_t object, size_t count) {
    size_t bias = layer.shape.out_channels, each = pages(layer.weights) + pages(bias) + pages(layer.output);
    size_t need = pages(layer.input) + count * each, left = 1 + 3 * count;
    size_t want = 2 * need + (32u << 20) / PAGE, most = setting.memory / PAGE;
    destroy();
    latest = NULL;
    latest_of = object;
    want = want < most ? want : most;
    free(copies);
    copies = need > most ? NULL : calloc(count, sizeof *copies);
    if (!copies || !make_arena((want > need ? want : need) * PAGE)) {
        char bytes[32];
        snprintf(bytes, sizeof bytes, " bytes=%zu", need * PAGE);
        say_why("skip", "too little memory", bytes);
        return false;
    }
    size_t page = 0, spare = arena.bytes / PAGE - need;
    float *input = take(&page, &spare, left--, layer.input);
    memcpy(input, layer.data, layer.input * sizeof(float));
    while (made < count) {
        float *weights = take(&page, &spare, left--, layer.weights), *biases = take(&page, &spare, left--, bias),
              *output = take(&page, &spare, left--, layer.output);
        memcpy(weights, layer.data + layer.input, layer.weights * sizeof(float));
        memcpy(biases, layer.data + layer.input + layer.weights, bias * sizeof(float));
        memset(output, 0xff, layer.output * sizeof(float)); /* NaN: what is not computed is found out */
        copies[made].tensors = (shim_tensors){input, weights, biases, output};
        double start = now();
        const char *reason = library->create(&layer.shape, &copies[made].tensors, &copies[made].object);
        if (reason) {
            destroy();
            say_why(reason == failure ? "failed" : "skip", reason, "");
            return false;
        }
        create_ns = now() - start;
        made++;
        announce(0);
    }
    return true;
}

/* What is timed. */

static void run(size_t which) {
    const char *reason = library->run(copies[which].object);
    latest = &copies[which];
    fault = fault ? fault : reason;
}

/* The input into the cache, as the layer before would have left it. */
static void touch(void) {
    static volatile float sink;
    float sum = 0;
    for (size_t i = 0; i < layer.input; i += ALIGNMENT / sizeof(float)) {
        sum += copies[0].tensors.input[i];
    }
    sink = sum;
    (void)sink;
}

static size_t next(bool rotate) {
    static size_t turn;
    turn = rotate ? (turn + 1) % made : 0;
    return turn;
}

static double untimed(bool rotate) { /* nanoseconds of one call */
    if (rotate) {
        touch();
    }
    size_t which = next(rotate);
    double start = now();
    run(which);
    return now() - start;
}

#if defined(__x86_64__) || defined(__aarch64__) || defined(__arm__)
#define HAS_CHAIN 1
/* 256 dependent additions of one cycle each a loop. Apart from code with constants beside it: a compiler takes the
 * chain for shorter than it is. */
static __attribute__((noinline)) void chain(uintptr_t loops) {
    uintptr_t x = 1, y = 3;
#if defined(__x86_64__)
    __asm__ volatile("1:\n .rept 256\n addq %2, %1\n .endr\n decq %0\n jnz 1b" : "+r"(loops), "+r"(x) : "r"(y) : "cc");
#else
#if defined(__aarch64__)
#define UNLESS_ZERO "b.ne"
#else
#define UNLESS_ZERO "bne"
#endif
    __asm__ volatile("1:\n .rept 256\n add %1, %1, %2\n .endr\n subs %0, %0, #1\n " UNLESS_ZERO " 1b"
                     : "+r"(loops), "+r"(x)
                     : "r"(y)
                     : "cc");
#endif
}
#else
#define HAS_CHAIN 0
static void chain(uintptr_t loops) {
    (void)loops;
}
#endif

/* MHz, from the chain; the fastest of three, since an interruption only slows down. Below 0: this machine's are not
 * known. */
static double clock_mhz(void) {
    const unsigned loops = 1600;
    double best = -1;
    for (int i = 0; HAS_CHAIN && i < 3; i++) {
        double start = now();
        chain(loops);
        best = fmax(best, 256e3 * loops / (now() - start));
    }
    return best;
}

static double believed(double mhz) {
    return setting.max_khz > 0 && mhz > 1.1e-3 * setting.max_khz ? -1 : mhz;
}

/* Untimed calls until the clock is steady. The time of the last one. */
static double settle(bool rotate, double cap_ns, bool *capped) {
    double start = now(), call_ns = 0, before = 0;
    for (unsigned calls = 1;; calls++) {
        announce(call_ns);
        call_ns = untimed(rotate);
        double mhz = clock_mhz();
        bool steady = mhz > 0 ? fabs(before / mhz - 1) <= 0.01 : now() - start >= cap_ns;
        before = mhz;
        *capped = calls >= 2 && !steady && now() - start >= cap_ns;
        if (calls >= 2 && (steady || *capped)) {
            return call_ns;
        }
    }
}

/* Calls that last least_ns even if they become a fifth faster. The fastest batch counts. */
static uint64_t choose_calls(double call_ns, double least_ns) {
    uint64_t batch = 1;
    for (int good = 0; good < 8;) {
        double start = now();
        for (uint64_t i = 0; i < batch; i++) {
            run(0);
        }
        double ns = fmax(now() - start, 1);
        announce(0);
        if (ns < fmin(least_ns / 16, 1e6)) {
            batch *= 2;
            continue;
        }
        call_ns = fmin(call_ns, ns / (double)batch);
        good += ns >= least_ns ? 4 : 1;
    }
    return (uint64_t)fmax(1, ceil(MARGIN * least_ns / call_ns));
}

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

typedef struct {
    uint64_t calls;
    double ns, window_ns, t_ns;
} window;

static window time_hot(uint64_t calls) {
    run(0);
    double start = now();
    for (uint64_t i = 0; i < calls; i++) {
        run(0);
    }
    double ns = now() - start;
    return (window){calls, ns / (double)calls, ns, start};
}

static window time_rotate(uint64_t calls, double least_ns) {
    window w = {0, 0, 0, now()};
    double fastest = INFINITY;
    uint64_t most = calls && calls < MOST_CALLS ? calls : MOST_CALLS;
    while (w.calls < most) {
        double ns = times[w.calls++] = untimed(true);
        w.window_ns += ns;
        fastest = fmin(fastest, ns);
        bool enough = w.calls >= (w.window_ns < 2e9 ? 5 : 3) && fastest * (double)w.calls >= MARGIN * least_ns;
        if (!calls && enough) {
            break;
        }
    }
    qsort(times, (size_t)w.calls, sizeof *times, ascending);
    w.ns = (times[w.calls / 2] + times[(w.calls - 1) / 2]) / 2;
    return w;
}

/* Requests. */

/* An object's threads may go where all of them may, unless the library pins them. */
static bool pin(size_t number) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((size_t)setting.cpu, &set);
    return !sched_setaffinity(0, sizeof set, number > 1 ? &setting.cpus : &set);
}

static bool may_run_on(int cpu) {
    return layer.shape.threads > 1 ? cpu >= 0 && CPU_ISSET((size_t)cpu, &setting.cpus) : cpu == setting.cpu;
}

/* "0-3,7"; the CPU to measure is always among them. */
static void read_cpus(const char *list) {
    CPU_ZERO(&setting.cpus);
    CPU_SET((size_t)setting.cpu, &setting.cpus);
    for (char *end; list && *list; list = *end == ',' ? end + 1 : end) {
        unsigned long first = strtoul(list, &end, 10), last = *end == '-' ? strtoul(end + 1, &end, 10) : first;
        for (; end > list && first <= last && first < CPU_SETSIZE; first++) {
            CPU_SET(first, &setting.cpus);
        }
        if (end == list || (*end && *end != ',')) {
            return;
        }
    }
}

/* The object of the request; its number of threads becomes the layer's. False: it was not created, as is answered. */
static bool take_object(char *line, size_t *object) {
    *object = size(line, "object");
    layer.shape.threads = *object < OBJECTS ? threads[*object] : 0;
    if (!layer.shape.threads) {
        say_why("failed", "the object was not created", "");
    }
    return layer.shape.threads > 0;
}

static void take_hello(char *line) {
    setting.cpu = (int)number(line, "cpu");
    read_cpus(value_of(line, "cpus"));
    setting.memory = size(line, "memory");
    setting.llc = number(line, "llc");
    setting.min_ns = number(line, "min_ns");
    setting.max_khz = number(line, "max_khz");
    setting.tick_ns = 1e6;
    for (int i = 0; i < 1000; i++) {
        double start = now(), end = start;
        while (end <= start) {
            end = now();
        }
        setting.tick_ns = fmin(setting.tick_ns, end - start);
    }
    seed = (uint64_t)now() ^ (uint64_t)getpid() << 40;
    bool pinned = pin(1), probed = pinned && number(line, "probe") != 0 && clock_mhz() > 0;
    double mhz = probed ? believed(clock_mhz()) : -1; /* of the CPU to measure, not of any */
    if (!pinned || !pin((size_t)CPU_COUNT(&setting.cpus))) {
        say_why("failed", "cannot run on the CPU to measure", " external=1");
    } else if (!probed) {
        say("hello protocol=%d", PROTOCOL);
    } else {
        say("hello protocol=%d clock_available=%d clock_reason=%s clock_mhz=%.17g", PROTOCOL, mhz > 0,
            mhz > 0 ? "" : "over%20what%20the%20system%20names", mhz);
    }
}

static bool read_floats(char *line, const char *key, float *values, size_t count) {
    const char *path = value_of(line, key);
    FILE *file = path ? fopen(path, "rb") : NULL;
    bool whole = file && fread(values, sizeof *values, count, file) == count;
    if (file) {
        fclose(file);
    }
    return whole;
}

static void take_layer(char *line) {
    shim_layer *s = &layer.shape;
    const char *name = value_of(line, "name");
    destroy();
    latest = NULL;
    layer.known = false;
    snprintf(layer.name, sizeof layer.name, "%s", name ? name : "");
    *s = (shim_layer){layer.name,
                      layer.algorithm,
                      size(line, "batch"),
                      size(line, "h"),
                      size(line, "w"),
                      size(line, "cin"),
                      size(line, "out_h"),
                      size(line, "out_w"),
                      size(line, "cout"),
                      size(line, "kh"),
                      size(line, "kw"),
                      size(line, "pt"),
                      size(line, "pr"),
                      size(line, "pb"),
                      size(line, "pl"),
                      size(line, "sh"),
                      size(line, "sw"),
                      size(line, "dh"),
                      size(line, "dw"),
                      size(line, "groups"),
                      (float)number(line, "min"),
                      (float)number(line, "max"),
                      1};
    memset(threads, 0, sizeof threads);
    const char *type = value_of(line, "type"), *layout = value_of(line, "layout");
    if (!type || strcmp(type, "f32") || !layout || strcmp(layout, "nhwc") || !s->groups) {
        say_why("skip", "type or layout is not covered", "");
        return;
    }
    layer.input = s->batch * s->height * s->width * s->in_channels;
    layer.weights = s->out_channels * s->kernel_height * s->kernel_width * (s->in_channels / s->groups);
    layer.output = s->batch * s->out_height * s->out_width * s->out_channels;
    free(layer.data);
    layer.data = malloc((layer.input + layer.weights + s->out_channels) * sizeof(float));
    if (!layer.data) {
        say_why("skip", "no memory for the layer's tensors", "");
        return;
    }
    layer.known = read_floats(line, "input", layer.data, layer.input) &&
                  read_floats(line, "weights", layer.data + layer.input, layer.weights) &&
                  read_floats(line, "bias", layer.data + layer.input + layer.weights, s->out_channels);
    if (layer.known) {
        say("ok");
    } else {
        say_why("failed", "cannot read the layer's tensors", " external=1");
    }
}

static void take_create(char *line) {
    size_t object = size(line, "object"), want = size(line, "threads");
    const char *algorithm = value_of(line, "algorithm");
    if (object >= OBJECTS || want > (size_t)CPU_COUNT(&setting.cpus)) {
        say_why("failed", "no such object, or more threads than CPUs", "");
        return;
    }
    layer.shape.threads = threads[object] = want ? want : 1;
    snprintf(layer.algorithm, sizeof layer.algorithm, "%s", algorithm ? algorithm : "");
    if (!pin(layer.shape.threads)) {
        say_why("failed", "the system took the CPU away", " external=1");
    } else if (place(object, 1)) {
        char told[1024] = "";
        if (library->tell) {
            shim_told t = {0};
            library->tell(copies[0].object, &t);
            snprintf(told, sizeof told, " weights_bytes=%zu pointer_bytes=%zu matrix_bytes=%zu object_bytes=%zu%s%s",
                     t.weights_bytes, t.pointer_bytes, t.matrix_bytes, t.object_bytes, t.kernel ? " kernel=" : "",
                     encoded(t.kernel ? t.kernel : "").text);
        }
        say("created threads=%zu create_ns=%.17g%s", layer.shape.threads, create_ns, told);
    }
}

static void take_check(char *line) {
    const char *path = value_of(line, "output");
    size_t object;
    fault = NULL;
    if (!take_object(line, &object)) {
        return;
    }
    if (number(line, "compute") != 0) {
        if (!pin(layer.shape.threads)) {
            say_why("failed", "the system took the CPU away", " external=1");
            return;
        }
        if (!place(object, 1)) {
            return;
        }
        run(0);
    }
    bool there = latest && latest_of == object;
    FILE *file = path && there && !fault ? fopen(path, "wb") : NULL;
    float *laid = file && library->read ? malloc(layer.output * sizeof *laid) : NULL;
    if (laid) {
        library->read(latest->object, laid);
    }
    const float *output = library->read ? laid : there ? latest->tensors.output : NULL;
    bool written = file && output && fwrite(output, sizeof *output, layer.output, file) == layer.output;
    written = file && !fclose(file) && written;
    free(laid);
    if (written) {
        say("checked");
    } else {
        say_why("failed", fault ? fault : there ? "cannot write the output" : "there is no sample of it to write", "");
    }
}

static void take_sample(char *line) {
    const char *cache = value_of(line, "cache");
    bool rotate = cache && !strcmp(cache, "rotate"), capped = false;
    double turned = (double)(layer.weights + layer.output) * sizeof(float);
    double count = rotate ? 1 + ceil(setting.llc / turned) : 1,
           least_ns = fmax(setting.min_ns, TICKS * setting.tick_ns);
    uint64_t calls = (uint64_t)number(line, "calls");
    struct rusage before, after;
    size_t object;
    int who;
    memset(times, 1, sizeof times); /* its pages are there */
    fault = NULL;
    if (!take_object(line, &object)) {
        return;
    }
    if (!pin(layer.shape.threads)) {
        say_why("failed", "the system took the CPU away", " external=1");
        return;
    }
    if (!place(object, (size_t)count)) {
        return;
    }
    double settle_from = now(), call_ns = settle(rotate, number(line, "settle_ns"), &capped);
    double settle_ns = now() - settle_from;
    bool chosen = !calls;
    if (chosen && !rotate) {
        calls = choose_calls(call_ns, least_ns);
    }
    announce(rotate ? MARGIN * least_ns + 5 * call_ns : call_ns * (double)(calls + 1));
    who = layer.shape.threads > 1 ? RUSAGE_SELF : RUSAGE_THREAD; /* whoever shares a call is interrupted, too */
    getrusage(who, &before);
    int cpu_before = sched_getcpu();
    double mhz_before = believed(clock_mhz());
    double begin = now(), cpu_begin = thread_ns();
    window w = rotate ? time_rotate(calls, least_ns) : time_hot(calls);
    double cpu_ns = thread_ns() - cpu_begin, span_ns = now() - begin;
    double mhz_after = believed(clock_mhz());
    int cpu_after = sched_getcpu();
    getrusage(who, &after);
    const shim_tensors *t = &copies[0].tensors;
    if (fault) {
        say_why("failed", fault, "");
    } else if (!may_run_on(cpu_before) || !may_run_on(cpu_after)) {
        say_why("failed", "it ran on another CPU", " external=1");
    } else if (rotate && chosen && w.ns < TICKS * setting.tick_ns) {
        say_why("skip", "a call is shorter than 1000 ticks of the timer", "");
    } else {
        say("sampled calls=%" PRIu64 " ns=%.17g window_ns=%.17g window_short=%d copies=%zu settle_ns=%.17g "
            "settle_capped=%d mhz_before=%.17g mhz_after=%.17g cpu_before=%d cpu_after=%d nivcsw=%ld faults=%ld "
            "t_ns=%.0f cpu_ns=%.17g span_ns=%.17g input=%" PRIuPTR " weights=%" PRIuPTR " output=%" PRIuPTR,
            w.calls, w.ns, w.window_ns, w.window_ns < least_ns, made, settle_ns, capped, mhz_before, mhz_after,
            cpu_before, cpu_after, after.ru_nivcsw - before.ru_nivcsw,
            after.ru_minflt + after.ru_majflt - before.ru_minflt - before.ru_majflt, w.t_ns, cpu_ns, span_ns,
            (uintptr_t)t->input, (uintptr_t)t->weights, (uintptr_t)t->output);
    }
}

static void answer(char *line) {
    size_t word = strcspn(line, " ");
    last_said = now();
    if (word == 5 && !strncmp(line, "hello", word)) {
        take_hello(line);
    } else if (word == 5 && !strncmp(line, "layer", word)) {
        take_layer(line);
    } else if (!layer.known) {
        say_why("failed", "no layer yet", "");
    } else if (word == 6 && !strncmp(line, "create", word)) {
        take_create(line);
    } else if (word == 5 && !strncmp(line, "check", word)) {
        take_check(line);
    } else if (word == 6 && !strncmp(line, "sample", word)) {
        take_sample(line);
    } else {
        say_why("failed", "unknown request", "");
    }
}

int shim_main(int argc, char **argv, const shim_functions *functions) {
    static char line[LINE];
    library = functions;
    FILE *requests = argc == 2 && !strcmp(argv[1], "worker") ? fdopen(CONDUCTOR, "r") : NULL;
    if (!requests) {
        fprintf(stderr, "%s: a worker of convbench, which starts it: harness run --worker NAME=%s\n", argv[0], argv[0]);
        return 2;
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGINT, SIG_IGN); /* Ctrl-C reaches the whole group; the conductor decides */
    while (fgets(line, sizeof line, requests)) {
        line[strcspn(line, "\n")] = 0;
        answer(line);
    }
    destroy();
    return 0;
}
