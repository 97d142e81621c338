// Bugs planted on purpose, one for each safety rule of the cluster layer, to show that the
// simulator would find it: tests/simulator/planted.cc runs each until it is found.
//
// In the product Planted() is constant false and a bug's code is dropped by the compiler. Only a
// build with UNDERSTUDY_PLANTED_BUGS (the library understudy_cluster_planted, linked to
// tests/simulator alone) asks which bug a member has.
#pragma once

#include <cstdint>

namespace understudy::cluster {

enum class Bug : uint8_t {
  kNone,
  // Granting the lock (R1..R4 of cluster/member.h).
  kGrantsTwiceATerm,           // R1: a second candidate of the same term is granted too
  kRepeatsGrantToAnotherRun,   // R1: the repeated grant doesn't ask for the same run
  kGrantsToOlderLog,           // R2 left out
  kComparesDurableOnly,        // R2: entries received and not yet durable don't count
  kGrantsBehindMembers,        // R2: nor does the newest configuration known to be committed
  kGrantsHeldLock,             // R3 left out
  kProofForAnyRun,             // R3: an earlier run's proof of death frees a later run's lock
  kReleaseOfAnyTerm,           // R3: a release frees the lock whatever term it names
  kForgetsHolderAtStart,       // R4 left out
  kForgetsGrantAtStart,        // R4: a grant newer than the holder recorded doesn't count
  kHolderNotPersisted,         // R4: nor is that holder recorded
  kAnswersGrantBeforeDurable,  // I4
  kLockNotRenewed,             // acknowledging renews nothing: the lock ends a ttl after its first
  kCountsGrantToEarlierRun,    // the candidate takes the answer to an earlier run of its own
  kElectsWithHalf,             // half of the voters is enough to win
  kLearnerVotes,               // a learner's grant counts
  // Acknowledging.
  kAcknowledgesOlderTerm,          // after a grant, what came in the older term is acknowledged
  kAcknowledgesBeforeDurable,      // I4: entries
  kAcknowledgesBeforeTermDurable,  // I4: the term
  kSkipsPreviousCheck,             // log matching: the entry before isn't compared
  kKeepsConflictingEntries,        // log matching: an entry of another term at its index stays
  kCommitsUnverified,              // the global's commit index is taken for entries not compared
  kTruncationUntold,               // the driver isn't told which entries were dropped
  kFailedWriteCounts,              // a failed write is taken for done
  // Committing.
  kCommitsOlderTerms,   // I3: Raft 5.4.2, figure 8
  kCountsOwnUndurable,  // the global's own entries count before they are durable
  kCommitsOneShort,     // one copy less than a majority is enough
  kLearnerCounts,       // a learner's copy counts
  // Reading.
  kReadsBeforeFirstCommit,  // of the term
  kLeaseWithoutDrift,       // the lease lasts as long as the lock
  kLeaseFromReceipt,        // it runs from the receipt of an acknowledgement, not the send time
  kLeaseOutlivesLink,       // a closed connection stays in the lease
  kLeaseDuringHandover,     // the lease goes on when another was asked to stand
  kLeaseByOldClock,         // judged by the time of the last input: a thawed global's belief
  kConfirmationBeforeRead,  // a round begun before the read confirms it
  kHandoverForgotten,       // not taken over in time, the global goes on as if it hadn't asked
  // Membership.
  kManyChangesAtOnce,         // I5
  kChangesBeforeFirstCommit,  // I5: Ongaro's correction of the thesis, 2015
  kMembersWhenCommitted,      // a configuration holds only when committed
  kMembersNotUndone,          // a configuration stays when its entry goes
  kRemovedGoesOn,             // a global that was removed goes on
  // Quarantine.
  kQuarantinedCounts,    // for commits
  kQuarantinedVotes,     // as any other
  kQuarantineForgotten,  // by a second restart
  kQuarantineEndsEarly,  // before everything is held
  // Snapshots.
  kSnapshotDropsTail,       // entries behind it are dropped, acknowledged or not
  kSnapshotWithoutMembers,  // the configuration in it is ignored
  kCount,
};

}  // namespace understudy::cluster
