// Loops over plain arrays, compiled for the vector units that processors have; the one that fits is chosen when the addon is loaded.
#pragma once

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define DREAM_VECTORISED __attribute__((noinline, optimize("O3"), target_clones("avx512f", "avx2", "default")))
#else
#define DREAM_VECTORISED __attribute__((noinline))
#endif
