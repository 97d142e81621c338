// How much memory the process uses, as its allocator and the kernel tell.
//
// jemalloc is asked where the program is linked with it, which is found out at run time; without it
// what is resident has to stand for what is allocated. Any thread; a call costs some microseconds.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace understudy::server {

struct MemoryUse {
  uint64_t used = 0;                // bytes the program asked for and didn't give back, without
                                    // what this thread's part of the allocator keeps for later
  uint64_t active = 0;              // bytes of pages that hold such; with jemalloc, else = used
  uint64_t allocator_resident = 0;  // bytes of pages the allocator keeps resident
  uint64_t resident = 0;            // bytes resident of the whole process
  uint64_t system_total = 0;        // bytes of memory this machine has
};
MemoryUse ReadMemoryUse();

// MemoryUse::used alone.
uint64_t ReadUsedMemory();
// Where the allocator counts the bytes that this thread allocated and freed; nullptr: nowhere.
void FindThreadCounters(const uint64_t** allocated, const uint64_t** freed);

// Asks the allocator to give back what it keeps for later. May take long.
void PurgeAllocator();

// "jemalloc-5.3.0", "libc".
std::string AllocatorName();
// The allocator's own report, for people; several lines.
std::string AllocatorReport();

// "1.50K" as INFO shows sizes: B, K, M, G, T, P; two digits behind the point from K on.
std::string HumanBytes(uint64_t bytes);

}  // namespace understudy::server
