#include "opaline/base/secret_heap.h"

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <cstdint>
#include <cstring>
#include <set>
#include <thread>
#include <vector>

#include "opaline/base/sanitizers.h"
#include "support/memory_map.h"

using namespace opaline;

TEST_CASE("memory for secrets is aligned, apart from other memory for secrets, and can be written") {
  struct Block {
    unsigned char* memory;
    std::size_t bytes;
  };
  std::vector<Block> blocks;
  for (std::size_t bytes = 0; bytes < 300; ++bytes) blocks.push_back({nullptr, bytes});
  for (const std::size_t bytes :
       {1000U, 4096U, 5000U, 65536U, 100000U, 262144U, 300000U, 4194304U, 4194305U, 6000000U}) {
    blocks.push_back({nullptr, bytes});
  }
  unsigned char mark = 0;
  for (Block& block : blocks) {
    block.memory = static_cast<unsigned char*>(allocate_secret(block.bytes));
    CHECK(reinterpret_cast<std::uintptr_t>(block.memory) % 64 == 0);
    std::memset(block.memory, ++mark, block.bytes);
  }
  mark = 0;
  for (const Block& block : blocks) {
    ++mark;
    for (std::size_t i = 0; i < block.bytes; ++i) REQUIRE(block.memory[i] == mark);
  }
  for (const Block& block : blocks) free_secret(block.memory, block.bytes);
  free_secret(nullptr, 8);
}

TEST_CASE("many threads take and give back") {
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 4; ++t) {
    threads.emplace_back([&wrong, t] {
      for (unsigned i = 0; i < 3000; ++i) {
        const std::size_t bytes = (i * 37 + t * 1000) % 5000 + 1;
        auto* const memory = static_cast<unsigned char*>(allocate_secret(bytes));
        std::memset(memory, static_cast<int>(t + 1), bytes);
        std::this_thread::yield();
        for (std::size_t j = 0; j < bytes; ++j) wrong += memory[j] == t + 1 ? 0 : 1;
        free_secret(memory, bytes);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);
}

#ifndef OPALINE_ADDRESS_SANITIZER

TEST_CASE("memory that was given back is taken again for the same size") {
  std::set<void*> seen;
  for (int i = 0; i < 100; ++i) {
    void* const memory = allocate_secret(777);
    seen.insert(memory);
    free_secret(memory, 777);
  }
  CHECK(seen.size() == 1);
}

TEST_CASE("core dumps leave it out") {
  for (const std::size_t bytes : {1U, 5000U, 5'000'000U}) {
    void* const memory = allocate_secret(bytes);
    const test::MemoryMap map;
    CHECK(map.is_left_out_of_dumps(memory));
    free_secret(memory, bytes);
  }
  static int ordinary = 0;
  CHECK_FALSE(test::MemoryMap().is_left_out_of_dumps(&ordinary));
}

TEST_CASE("a process forked while other threads are at it goes on") {
  std::atomic<bool> stop = false;
  std::thread busy([&] {
    while (!stop) free_secret(allocate_secret(100), 100);
  });
  for (int i = 0; i < 50; ++i) {
    const pid_t child = ::fork();
    if (child == 0) {
      ::alarm(20);
      free_secret(allocate_secret(100), 100);
      ::_exit(0);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    REQUIRE(WIFEXITED(status));
  }
  stop = true;
  busy.join();
}

#endif
