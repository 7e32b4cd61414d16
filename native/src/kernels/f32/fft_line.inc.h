/* SPDX-License-Identifier: Apache-2.0
 * Fourier transforms of one line of complex numbers, in passes of radix 2, 3, 4, 5 and 8: fft.inc.h includes it.
 *
 * A vector holds neighbouring channels, so all of them take the same way and nothing is shuffled. A complex number is
 * two vectors, real and imaginary part. Forward transforms split the sequence (decimation in frequency) and leave the
 * frequencies in the order of the passes; inverse ones take them so. */
#define IC_FFT_INLINE static inline __attribute__((always_inline))

enum { COMPLEX = 2 * IC_WIDTH }; /* floats of one */

typedef struct {
    IC_VECTOR re, im;
} complex_vector;

IC_FFT_INLINE complex_vector load_complex(const float *from) {
    return (complex_vector){IC_LOAD(from), IC_LOAD(from + IC_WIDTH)};
}

IC_FFT_INLINE void store_complex(float *to, complex_vector x) {
    IC_STORE(to, x.re);
    IC_STORE(to + IC_WIDTH, x.im);
}

IC_FFT_INLINE complex_vector sum(complex_vector a, complex_vector b) {
    return (complex_vector){a.re + b.re, a.im + b.im};
}

IC_FFT_INLINE complex_vector difference(complex_vector a, complex_vector b) {
    return (complex_vector){a.re - b.re, a.im - b.im};
}

/* Times -i. */
IC_FFT_INLINE complex_vector turned(complex_vector a) {
    return (complex_vector){a.im, -a.re};
}

IC_FFT_INLINE complex_vector conjugate(complex_vector a) {
    return (complex_vector){a.re, -a.im};
}

IC_FFT_INLINE complex_vector swapped(complex_vector a) {
    return (complex_vector){a.im, a.re};
}

IC_FFT_INLINE complex_vector product(complex_vector a, complex_vector b) {
    return (complex_vector){IC_FMA(a.re * b.re, -a.im, b.im), IC_FMA(a.re * b.im, a.im, b.re)};
}

/* By cosine and sine. */
IC_FFT_INLINE complex_vector rotated(complex_vector a, const float *turn) {
    return product(a, (complex_vector){IC_SPLAT(turn[0]), IC_SPLAT(turn[1])});
}

/* a + b x */
IC_FFT_INLINE complex_vector with(complex_vector a, float b, complex_vector x) {
    return (complex_vector){IC_FMA(a.re, IC_SPLAT(b), x.re), IC_FMA(a.im, IC_SPLAT(b), x.im)};
}

IC_FFT_INLINE complex_vector scaled(float b, complex_vector x) {
    return (complex_vector){IC_SPLAT(b) * x.re, IC_SPLAT(b) * x.im};
}

IC_FFT_INLINE void transform_2(complex_vector x[2]) {
    const complex_vector first = x[0];
    x[0] = sum(first, x[1]);
    x[1] = difference(first, x[1]);
}

IC_FFT_INLINE void transform_3(complex_vector x[3]) {
    const complex_vector both = sum(x[1], x[2]), apart = turned(scaled(0.866025404f, difference(x[1], x[2])));
    const complex_vector middle = with(x[0], -0.5f, both);
    x[0] = sum(x[0], both);
    x[1] = sum(middle, apart);
    x[2] = difference(middle, apart);
}

IC_FFT_INLINE void transform_4(complex_vector x[4]) {
    const complex_vector even = sum(x[0], x[2]), even_apart = difference(x[0], x[2]);
    const complex_vector odd = sum(x[1], x[3]), odd_apart = turned(difference(x[1], x[3]));
    x[0] = sum(even, odd);
    x[1] = sum(even_apart, odd_apart);
    x[2] = difference(even, odd);
    x[3] = difference(even_apart, odd_apart);
}

IC_FFT_INLINE void transform_5(complex_vector x[5]) {
    const float c1 = 0.309016994f, c2 = -0.809016994f, s1 = 0.951056516f, s2 = 0.587785252f;
    const complex_vector near = sum(x[1], x[4]), far = sum(x[2], x[3]);
    const complex_vector near_apart = turned(difference(x[1], x[4])), far_apart = turned(difference(x[2], x[3]));
    const complex_vector first = with(with(x[0], c1, near), c2, far), second = with(with(x[0], c2, near), c1, far);
    const complex_vector a = with(scaled(s1, near_apart), s2, far_apart);
    const complex_vector b = with(scaled(s2, near_apart), -s1, far_apart);
    x[0] = sum(x[0], sum(near, far));
    x[1] = sum(first, a);
    x[4] = difference(first, a);
    x[2] = sum(second, b);
    x[3] = difference(second, b);
}

IC_FFT_INLINE void transform_8(complex_vector x[8]) {
    const float half = 0.707106781f; /* its root */
    complex_vector even[4] = {x[0], x[2], x[4], x[6]}, odd[4] = {x[1], x[3], x[5], x[7]};
    transform_4(even);
    transform_4(odd);
    odd[1] = scaled(half, sum(odd[1], turned(odd[1])));
    odd[2] = turned(odd[2]);
    odd[3] = scaled(half, difference(turned(odd[3]), odd[3]));
    IC_UNROLL
    for (unsigned k = 0; k < 4; k++) {
        x[k] = sum(even[k], odd[k]);
        x[k + 4] = difference(even[k], odd[k]);
    }
}

/* Some passes' place in memory: complex numbers at equal steps. */
typedef struct {
    const float *from;
    float *to;
    size_t from_step, to_step;
    unsigned points, length; /* of all, and of each part that this pass splits or makes */
    const float *twiddles;
} pass;

#define IC_FFT_PASSES(radix)                                                                                           \
    static __attribute__((noinline)) void split_##radix(const pass *p) {                                               \
        const unsigned apart = p->length / radix;                                                                      \
        for (unsigned part = 0; part < p->points; part += p->length) {                                                 \
            const float *twiddles = p->twiddles;                                                                       \
            for (unsigned j = 0; j < apart; j++) {                                                                     \
                complex_vector x[radix];                                                                               \
                IC_UNROLL                                                                                              \
                for (unsigned q = 0; q < radix; q++) {                                                                 \
                    x[q] = load_complex(p->from + (part + j + q * apart) * p->from_step);                              \
                }                                                                                                      \
                transform_##radix(x);                                                                                  \
                if (j != 0) {                                                                                          \
                    IC_UNROLL                                                                                          \
                    for (unsigned q = 1; q < radix; q++, twiddles += 2) {                                              \
                        x[q] = rotated(x[q], twiddles);                                                                \
                    }                                                                                                  \
                }                                                                                                      \
                IC_UNROLL                                                                                              \
                for (unsigned q = 0; q < radix; q++) {                                                                 \
                    store_complex(p->to + (part + j + q * apart) * p->to_step, x[q]);                                  \
                }                                                                                                      \
            }                                                                                                          \
        }                                                                                                              \
    }                                                                                                                  \
    /* The inverse of a transform is the transform of swapped parts, swapped again. */                                 \
    static __attribute__((noinline)) void join_##radix(const pass *p) {                                                \
        const unsigned apart = p->length / radix;                                                                      \
        for (unsigned part = 0; part < p->points; part += p->length) {                                                 \
            const float *twiddles = p->twiddles;                                                                       \
            for (unsigned j = 0; j < apart; j++) {                                                                     \
                complex_vector x[radix];                                                                               \
                IC_UNROLL                                                                                              \
                for (unsigned q = 0; q < radix; q++) {                                                                 \
                    x[q] = swapped(load_complex(p->from + (part + j + q * apart) * p->from_step));                     \
                }                                                                                                      \
                if (j != 0) {                                                                                          \
                    IC_UNROLL                                                                                          \
                    for (unsigned q = 1; q < radix; q++, twiddles += 2) {                                              \
                        x[q] = rotated(x[q], twiddles);                                                                \
                    }                                                                                                  \
                }                                                                                                      \
                transform_##radix(x);                                                                                  \
                IC_UNROLL                                                                                              \
                for (unsigned q = 0; q < radix; q++) {                                                                 \
                    store_complex(p->to + (part + j + q * apart) * p->to_step, swapped(x[q]));                         \
                }                                                                                                      \
            }                                                                                                          \
        }                                                                                                              \
    }

IC_FFT_PASSES(2)
IC_FFT_PASSES(3)
IC_FFT_PASSES(4)
IC_FFT_PASSES(5)
IC_FFT_PASSES(8)

typedef void (*pass_function)(const pass *p);

static const pass_function splits[] = {[2] = split_2, [3] = split_3, [4] = split_4, [5] = split_5, [8] = split_8};
static const pass_function joins[] = {[2] = join_2, [3] = join_3, [4] = join_4, [5] = join_5, [8] = join_8};

/* All passes, in place in `line` but for the first one, which takes the numbers from elsewhere. */
static void split(const ic_fft_passes *passes, const float *from, size_t from_step, float *line) {
    pass p = {from, line, from_step, COMPLEX, passes->points, passes->points, passes->twiddles};
    for (unsigned i = 0; i < passes->count; i++) {
        const unsigned radix = passes->radix[i];
        splits[radix](&p);
        p.from = line;
        p.from_step = COMPLEX;
        p.twiddles += 2 * (p.length / radix - 1) * (radix - 1);
        p.length /= radix;
    }
}

/* But for the last one, which puts them elsewhere. */
static void join(const ic_fft_passes *passes, float *line, float *to, size_t to_step) {
    pass p = {line, line, COMPLEX, COMPLEX, passes->points, 1, passes->twiddles};
    unsigned length = passes->points;
    for (unsigned i = 0; i + 1 < passes->count; i++) { /* twiddles lie in the order of split */
        p.twiddles += 2 * (length / passes->radix[i] - 1) * (passes->radix[i] - 1u);
        length /= passes->radix[i];
    }
    for (unsigned i = passes->count; i-- != 0;) {
        const unsigned radix = passes->radix[i];
        p.length *= radix;
        if (i == 0) {
            p.to = to;
            p.to_step = to_step;
        }
        joins[radix](&p);
        if (i != 0) {
            const unsigned next = passes->radix[i - 1];
            p.twiddles -= 2 * (p.length - 1) * (next - 1);
        }
    }
}
