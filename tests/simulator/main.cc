// simulator [--seed N] [--seeds N] [--first N] [--nodes N] [--storm N] [--seconds N] [--verbose]
// [--trace]
//
//   --seed N     one run; --seeds N: that many, from --first (default 1) on
//   --seconds N  simulated time before everything is healed (default 20)
//   --storm N    that weather (Storm in simulation.h); else the seed decides
//   --verbose    tells what happens; --trace: and which messages are sent
// A run that fails aborts, having printed its seed.
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "tests/simulator/simulation.h"

namespace {

volatile std::sig_atomic_t seed_now = 0;  // for the signal handler

// A broken invariant aborts; say in which run.
void OnAbort(int signal) {
  std::signal(signal, SIG_DFL);
  std::fprintf(stderr, "seed %ld failed\n", static_cast<long>(seed_now));
  std::fflush(stderr);
}

}  // namespace

int main(int argc, char** argv) {
  uint64_t first = 1;
  uint64_t count = 1;
  understudy::simulator::SimulationOptions options;
  for (int i = 1; i < argc; ++i) {
    std::string name = argv[i];
    if (name == "--verbose" || name == "--trace") {
      options.verbose = true;
      options.trace = options.trace || name == "--trace";
      continue;
    }
    char* end = nullptr;
    uint64_t value = i + 1 < argc ? std::strtoull(argv[i + 1], &end, 10) : 0;
    if (end == nullptr || *end != '\0' || end == argv[i + 1]) {
      std::fprintf(stderr, "simulator: %s needs a number\n", name.c_str());
      return 1;
    }
    ++i;
    if (name == "--seed" || name == "--first") {
      first = value;
    } else if (name == "--seeds") {
      count = value;
    } else if (name == "--storm" && value < understudy::simulator::kStorms) {
      options.storm = static_cast<understudy::simulator::Storm>(value);
    } else if (name == "--nodes") {
      options.nodes = value;
    } else if (name == "--seconds") {
      options.duration = static_cast<understudy::simulator::Micros>(value) * 1'000'000;
    } else {
      std::fprintf(stderr, "simulator: unknown option %s\n", name.c_str());
      return 1;
    }
  }
  std::signal(SIGABRT, OnAbort);
  std::signal(SIGSEGV, OnAbort);
  auto start = std::chrono::steady_clock::now();
  uint64_t steps = 0, committed = 0, elections = 0, reads = 0;
  double simulated = 0;
  for (uint64_t seed = first; seed < first + count; ++seed) {
    options.seed = seed;
    seed_now = static_cast<std::sig_atomic_t>(seed);
    if (options.verbose) std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
    understudy::simulator::Simulation simulation(options);
    simulation.Run();
    steps += simulation.steps();
    committed += simulation.committed();
    elections += simulation.elections();
    reads += simulation.reads();
    simulated += static_cast<double>(simulation.simulated()) / 1e6;
  }
  double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  std::printf(
      "%llu seeds from %llu: %llu steps, %llu entries committed, %llu elections won, "
      "%llu reads, %.2f hours simulated in %.1f s\n",
      static_cast<unsigned long long>(count), static_cast<unsigned long long>(first),
      static_cast<unsigned long long>(steps), static_cast<unsigned long long>(committed),
      static_cast<unsigned long long>(elections), static_cast<unsigned long long>(reads),
      simulated / 3600, seconds);
  return 0;
}
