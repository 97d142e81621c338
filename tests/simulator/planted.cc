// simulator_planted [--bug NAME] [--seeds N] [--seconds N] [--consequences]
//
// Runs the simulator over a cluster layer in which one safety rule is left out, for each bug of
// cluster/planted.h: the simulator must find it within its seeds, and must find nothing without a
// bug. Tells how many seeds were needed and what was seen. Exit 1 if a bug wasn't found.
//
//   --bug NAME       only that one
//   --seeds N        at most that many seeds a bug (default 400)
//   --consequences   without the rules that messages must keep (tests/simulator/rules.h)
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "tests/simulator/simulation.h"

namespace understudy::simulator {
namespace {

using cluster::Bug;

struct Plant {
  Bug bug;
  const char* name;
  Storm storm;
  uint64_t nodes;      // 0: the seed decides
  bool rules = false;  // its consequences are too rare: the rule itself is checked
};

#define PLANT(bug, ...) \
  Plant { Bug::bug, #bug, __VA_ARGS__ }

// Not among them, since the simulator doesn't find them yet: kHolderNotPersisted,
// kHandoverForgotten, kQuarantinedCounts, kQuarantineEndsEarly (--bug tries only what is here).
const std::vector<Plant>& Plants() {
  static const std::vector<Plant> plants = {
      PLANT(kGrantsTwiceATerm, Storm::kSeed, 0, true),
      PLANT(kRepeatsGrantToAnotherRun, Storm::kRestarts, 5, true),
      PLANT(kGrantsToOlderLog, Storm::kSeed, 0),
      PLANT(kComparesDurableOnly, Storm::kSeed, 0, true),
      PLANT(kGrantsBehindMembers, Storm::kLosses, 0),
      PLANT(kGrantsHeldLock, Storm::kReads, 0),
      PLANT(kProofForAnyRun, Storm::kRestarts, 0),
      PLANT(kReleaseOfAnyTerm, Storm::kHandovers, 0),
      PLANT(kForgetsHolderAtStart, Storm::kRestarts, 3, true),
      PLANT(kForgetsGrantAtStart, Storm::kRestarts, 3, true),
      PLANT(kAnswersGrantBeforeDurable, Storm::kRestarts, 0, true),
      PLANT(kLockNotRenewed, Storm::kReads, 0),
      PLANT(kCountsGrantToEarlierRun, Storm::kRestarts, 5, true),
      PLANT(kElectsWithHalf, Storm::kNone, 4),
      PLANT(kLearnerVotes, Storm::kMembers, 0),
      PLANT(kAcknowledgesOlderTerm, Storm::kRestarts, 0, true),
      PLANT(kAcknowledgesBeforeDurable, Storm::kRestarts, 0),
      PLANT(kAcknowledgesBeforeTermDurable, Storm::kRestarts, 0, true),
      PLANT(kSkipsPreviousCheck, Storm::kSeed, 0),
      PLANT(kKeepsConflictingEntries, Storm::kSeed, 0),
      PLANT(kCommitsUnverified, Storm::kSeed, 0),
      PLANT(kTruncationUntold, Storm::kSeed, 0),
      PLANT(kFailedWriteCounts, Storm::kSeed, 0, true),
      PLANT(kCommitsOlderTerms, Storm::kRestarts, 5, true),
      PLANT(kCountsOwnUndurable, Storm::kRestarts, 0),
      PLANT(kCommitsOneShort, Storm::kSeed, 5),
      PLANT(kLearnerCounts, Storm::kMembers, 0),
      PLANT(kReadsBeforeFirstCommit, Storm::kReads, 0),
      PLANT(kLeaseWithoutDrift, Storm::kReads, 0),
      PLANT(kLeaseFromReceipt, Storm::kReads, 0),
      PLANT(kLeaseOutlivesLink, Storm::kRestarts, 0),
      PLANT(kLeaseDuringHandover, Storm::kHandovers, 0),
      PLANT(kLeaseByOldClock, Storm::kReads, 0),
      PLANT(kConfirmationBeforeRead, Storm::kReads, 0),
      PLANT(kManyChangesAtOnce, Storm::kMembers, 0),
      PLANT(kChangesBeforeFirstCommit, Storm::kMembers, 0),
      PLANT(kMembersWhenCommitted, Storm::kMembers, 0),
      PLANT(kMembersNotUndone, Storm::kMembers, 0),
      PLANT(kRemovedGoesOn, Storm::kMembers, 0),
      PLANT(kQuarantinedVotes, Storm::kLosses, 0),
      PLANT(kQuarantineForgotten, Storm::kLosses, 0),
      PLANT(kSnapshotDropsTail, Storm::kSnapshots, 0, true),
      PLANT(kSnapshotWithoutMembers, Storm::kSnapshots, 0),
  };
  return plants;
}

struct Options {
  std::string only;
  uint64_t seeds = 400;
  Micros duration = 20'000'000;
  bool consequences = false;
};

// A broken invariant aborts, so each search has a process of its own; `seed` is shared with it.
struct Outcome {
  bool found = false;  // it aborted
  bool ended = false;  // all seeds passed
  uint64_t seeds = 0;
  std::string what;  // the first line that the simulator said
};

Outcome Search(const Plant& plant, const Options& options) {
  void* shared =
      mmap(nullptr, sizeof(uint64_t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  auto* seed = static_cast<volatile uint64_t*>(shared);
  int said[2];
  if (shared == MAP_FAILED || pipe(said) != 0) std::abort();
  std::fflush(stdout);
  pid_t child = fork();
  if (child < 0) std::abort();
  if (child == 0) {
    dup2(said[1], STDERR_FILENO);
    close(said[0]);
    for (uint64_t i = 1; i <= options.seeds; ++i) {
      *seed = i;
      SimulationOptions run;
      run.seed = i;
      run.nodes = plant.nodes;
      run.storm = plant.storm;
      run.duration = options.duration;
      run.planted = plant.bug;
      run.check_rules = plant.rules && !options.consequences;
      Simulation(run).Run();
    }
    _exit(0);
  }
  close(said[1]);
  Outcome outcome;
  char buffer[4096];
  std::string text;
  for (ssize_t got = 0; (got = read(said[0], buffer, sizeof(buffer))) > 0;) {
    if (text.size() < sizeof(buffer)) text.append(buffer, static_cast<size_t>(got));
  }
  close(said[0]);
  int status = 0;
  waitpid(child, &status, 0);
  outcome.found = WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
  outcome.ended = WIFEXITED(status) && WEXITSTATUS(status) == 0;
  outcome.seeds = *seed;
  outcome.what = text.substr(0, text.find('\n'));
  size_t behind = outcome.what.find(" us: ");
  if (behind != std::string::npos) outcome.what.erase(0, behind + 5);
  munmap(shared, sizeof(uint64_t));
  return outcome;
}

int Run(const Options& options) {
  int missed = 0;
  for (size_t storm = 1; storm < kStorms && options.only.empty(); ++storm) {
    Plant none{Bug::kNone, "no bug", static_cast<Storm>(storm), 0, true};
    Options fewer = options;
    fewer.seeds = 25;
    Outcome outcome = Search(none, fewer);
    std::printf("%-32s %-9s %4llu seeds  %s %s\n", ToString(none.storm),
                outcome.ended ? "no bug" : "BROKEN", static_cast<unsigned long long>(outcome.seeds),
                "without a planted bug", outcome.what.c_str());
    missed += outcome.ended ? 0 : 1;
  }
  for (const Plant& plant : Plants()) {
    if (!options.only.empty() && options.only != plant.name) continue;
    auto start = std::chrono::steady_clock::now();
    Outcome outcome = Search(plant, options);
    double seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    std::printf("%-32s %-9s %4llu seeds %5.1f s  %s\n", plant.name,
                outcome.found ? "found" : "NOT FOUND",
                static_cast<unsigned long long>(outcome.seeds), seconds, outcome.what.c_str());
    std::fflush(stdout);
    missed += outcome.found ? 0 : 1;
  }
  if (missed > 0) std::printf("%d of the above went wrong\n", missed);
  return missed > 0 ? 1 : 0;
}

}  // namespace
}  // namespace understudy::simulator

int main(int argc, char** argv) {
  understudy::simulator::Options options;
  for (int i = 1; i < argc; ++i) {
    std::string name = argv[i];
    std::string value = i + 1 < argc ? argv[i + 1] : "";
    if (name == "--consequences") {
      options.consequences = true;
    } else if (name == "--bug" && !value.empty()) {
      options.only = value;
      ++i;
    } else if (name == "--seeds" && !value.empty()) {
      options.seeds = std::strtoull(value.c_str(), nullptr, 10);
      ++i;
    } else if (name == "--seconds" && !value.empty()) {
      options.duration = std::strtoll(value.c_str(), nullptr, 10) * 1'000'000;
      ++i;
    } else {
      std::fprintf(stderr, "simulator_planted: unknown option %s\n", name.c_str());
      return 2;
    }
  }
  return understudy::simulator::Run(options);
}
