#include "server/memory_use.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <iterator>

// Weak: null where the program isn't linked with jemalloc (the sanitizers' builds, unit tests).
extern "C" {
int mallctl(const char* name, void* old_value, size_t* old_size, void* new_value, size_t new_size)
    __attribute__((weak));
void malloc_stats_print(void (*write)(void*, const char*), void* to, const char* options)
    __attribute__((weak));
}

namespace understudy::server {

namespace {

bool HasJemalloc() { return mallctl != nullptr; }

uint64_t AskAllocator(const char* name) {
  size_t value = 0, size = sizeof(value);
  return mallctl(name, &value, &size, nullptr, 0) == 0 ? value : 0;
}

uint64_t ResidentBytes() {
  FILE* file = fopen("/proc/self/statm", "re");
  if (file == nullptr) return 0;
  unsigned long long total = 0, resident = 0;
  int got = fscanf(file, "%llu %llu", &total, &resident);
  fclose(file);
  return got == 2 ? resident * static_cast<uint64_t>(sysconf(_SC_PAGESIZE)) : 0;
}

}  // namespace

MemoryUse ReadMemoryUse() {
  MemoryUse use;
  use.resident = ResidentBytes();
  use.system_total =
      static_cast<uint64_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  if (!HasJemalloc()) {
    use.used = use.active = use.allocator_resident = use.resident;
    return use;
  }
  use.used = ReadUsedMemory();
  use.active = AskAllocator("stats.active");
  use.allocator_resident = AskAllocator("stats.resident");
  return use;
}

uint64_t ReadUsedMemory() {
  if (!HasJemalloc()) return ResidentBytes();
  // What this thread freed and keeps for its next allocations would count as used.
  mallctl("thread.tcache.flush", nullptr, nullptr, nullptr, 0);
  // The figures are those of the last time somebody advanced the epoch.
  uint64_t epoch = 1;
  size_t size = sizeof(epoch);
  mallctl("epoch", &epoch, &size, &epoch, size);
  return AskAllocator("stats.allocated");
}

void FindThreadCounters(const uint64_t** allocated, const uint64_t** freed) {
  *allocated = *freed = nullptr;
  if (!HasJemalloc()) return;
  size_t size = sizeof(*allocated);
  if (mallctl("thread.allocatedp", allocated, &size, nullptr, 0) != 0 ||
      mallctl("thread.deallocatedp", freed, &size, nullptr, 0) != 0) {
    *allocated = *freed = nullptr;
  }
}

void PurgeAllocator() {
  if (!HasJemalloc()) return;
  // 4096: all arenas (MALLCTL_ARENAS_ALL).
  mallctl("arena.4096.purge", nullptr, nullptr, nullptr, 0);
}

std::string AllocatorName() {
  if (!HasJemalloc()) return "libc";
  const char* version = nullptr;
  size_t size = sizeof(version);
  if (mallctl("version", &version, &size, nullptr, 0) != 0 || version == nullptr) return "jemalloc";
  std::string_view text(version);  // "5.3.0-0-g54eaed1d..."
  return "jemalloc-" + std::string(text.substr(0, text.find('-')));
}

std::string AllocatorReport() {
  std::string report;
  if (malloc_stats_print != nullptr) {
    auto append = [](void* to, const char* text) { static_cast<std::string*>(to)->append(text); };
    // Without the figures of each arena and each size class: they are thousands of lines.
    malloc_stats_print(append, &report, "abl");
  }
  if (report.empty()) {
    report = AllocatorName() + ": resident " + std::to_string(ResidentBytes()) + " bytes\n";
  }
  return report;
}

std::string HumanBytes(uint64_t bytes) {
  static constexpr char kUnits[] = {'B', 'K', 'M', 'G', 'T', 'P'};
  if (bytes < 1024) return std::to_string(bytes) + "B";
  double value = static_cast<double>(bytes);
  size_t unit = 0;
  while (value >= 1024 && unit + 1 < std::size(kUnits)) {
    value /= 1024;
    ++unit;
  }
  char text[32];
  snprintf(text, sizeof(text), "%.2f%c", value, kUnits[unit]);
  return text;
}

}  // namespace understudy::server
