#pragma once

// Which sanitizer a build has: OPALINE_ADDRESS_SANITIZER, OPALINE_THREAD_SANITIZER, OPALINE_MEMORY_SANITIZER
// or none; with any of them OPALINE_SANITIZED. GCC and clang say it differently.
#if defined(__SANITIZE_ADDRESS__)
#define OPALINE_ADDRESS_SANITIZER
#endif
#if defined(__SANITIZE_THREAD__)
#define OPALINE_THREAD_SANITIZER
#endif
#if defined(__has_feature)
#if __has_feature(address_sanitizer) && !defined(OPALINE_ADDRESS_SANITIZER)
#define OPALINE_ADDRESS_SANITIZER
#endif
#if __has_feature(thread_sanitizer) && !defined(OPALINE_THREAD_SANITIZER)
#define OPALINE_THREAD_SANITIZER
#endif
#if __has_feature(memory_sanitizer)
#define OPALINE_MEMORY_SANITIZER
#endif
#endif
#if defined(OPALINE_ADDRESS_SANITIZER) || defined(OPALINE_THREAD_SANITIZER) || \
    defined(OPALINE_MEMORY_SANITIZER)
#define OPALINE_SANITIZED
#endif
