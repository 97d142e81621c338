// Commands on HyperLogLogs: PFADD, PFCOUNT, PFMERGE, PFDEBUG, PFSELFTEST.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <string>

#include "protocol/numbers.h"
#include "targets/kv/commands.h"
#include "targets/kv/hyperloglog.h"
#include "targets/kv/random_pick.h"

namespace understudy::targets::kv {
namespace {

constexpr std::string_view kDamaged = "INVALIDOBJ Corrupted HLL object detected";

std::string_view TextOf(const Entry& entry) { return {entry.value(), entry.value_size()}; }

// True if the key is missing or a HyperLogLog; else the error is written.
bool IsOneOrMissing(Call& call, const Entry* entry) {
  if (!call.IsStringOrMissing(entry)) return false;
  if (entry == nullptr || (!entry->IsInteger() && HyperLogLog::Is(TextOf(*entry)))) return true;
  call.reply.Error("WRONGTYPE Key is not a valid HyperLogLog string value.");
  return false;
}

void PfAdd(Call& call) {
  const Entry* entry = call.FindForWrite(call.args[1]);
  if (!IsOneOrMissing(call, entry)) return;
  const HyperLogLog::Added added =
      call.keyspace.CountElements(call.context, call.db, call.args[1], entry, call.args.subspan(2),
                                  call.options.containers.hll_sparse_max_bytes);
  if (added == HyperLogLog::Added::kDamaged) return call.reply.Error(kDamaged);
  call.reply.Integer(added == HyperLogLog::Added::kYes);
}

void CountUnion(Call& call) {
  auto registers = std::make_unique<HyperLogLog::Registers>();
  registers->fill(0);
  for (std::string_view key : call.args.subspan(1)) {
    const Entry* entry = call.Find(key);
    if (!IsOneOrMissing(call, entry)) return;
    if (entry != nullptr && !HyperLogLog::MergeInto(TextOf(*entry), registers.get())) {
      return call.reply.Error(kDamaged);
    }
  }
  call.reply.Integer(static_cast<int64_t>(HyperLogLog::Estimate(*registers)));
}

void PfCount(Call& call) {
  if (call.args.size() > 2) return CountUnion(call);
  const Entry* entry = call.Find(call.args[1]);
  if (!IsOneOrMissing(call, entry)) return;
  if (entry == nullptr) return call.reply.Integer(0);
  std::optional<uint64_t> estimate = HyperLogLog::KnownEstimate(TextOf(*entry));
  if (!estimate) {
    estimate = HyperLogLog::Estimate(TextOf(*entry));
    if (!estimate) return call.reply.Error(kDamaged);
    // It is kept in the value, where GET sees it.
    if (!call.context.read_only) {
      char bytes[HyperLogLog::kEstimateBytes];
      std::memcpy(bytes, &*estimate, sizeof bytes);
      call.keyspace.SetRange(call.context, call.db, call.args[1], HyperLogLog::kEstimateOffset,
                             {bytes, sizeof bytes}, {});
    }
  }
  call.reply.Integer(static_cast<int64_t>(*estimate));
}

// Whether one of the keys, which are missing or HyperLogLogs, has damaged registers.
bool AnyIsDamaged(Call& call, std::span<const std::string_view> keys) {
  return std::any_of(keys.begin(), keys.end(), [&call](std::string_view key) {
    const Entry* entry = call.FindForWrite(key);
    return entry != nullptr && !HyperLogLog::Estimate(TextOf(*entry));
  });
}

void PfMerge(Call& call) {
  const auto keys = call.args.subspan(1);
  for (size_t i = 0; i < keys.size(); ++i) {
    const Entry* entry = call.FindForWrite(keys[i]);
    if (entry == nullptr) continue;
    if (entry->IsString() && !entry->IsInteger() && HyperLogLog::Is(TextOf(*entry))) continue;
    // The first key that isn't sound decides what is said.
    if (AnyIsDamaged(call, keys.first(i))) return call.reply.Error(kDamaged);
    IsOneOrMissing(call, entry);
    return;
  }
  if (!call.keyspace.MergeHyperLogLogs(call.context, call.db, call.args[1], call.args.subspan(2),
                                       call.options.containers.hll_sparse_max_bytes)) {
    return call.reply.Error(kDamaged);
  }
  call.reply.Ok();
}

// ---- for debugging ----

// Makes it dense if it isn't; false, with the error written, if it is damaged.
bool MakeDense(Call& call, const Entry* entry) {
  if (HyperLogLog::IsDense(TextOf(*entry)) ||
      call.keyspace.MakeHyperLogLogDense(call.context, call.db, entry)) {
    return true;
  }
  call.reply.Error(kDamaged);
  return false;
}

void ReplyRegisters(Call& call) {
  const Entry* entry = call.FindForWrite(call.args[2]);
  call.reply.Array(HyperLogLog::kRegisters);
  for (uint32_t i = 0; i < HyperLogLog::kRegisters; ++i) {
    call.reply.Integer(HyperLogLog::DenseGet(entry->value(), i));
  }
}

void PfDebug(Call& call) {
  const std::string_view word = call.args[1];
  const Entry* entry = call.FindForWrite(call.args[2]);
  if (entry == nullptr) return call.reply.Error("ERR The specified key does not exist");
  if (!IsOneOrMissing(call, entry)) return;
  const bool dense = HyperLogLog::IsDense(TextOf(*entry));
  if (protocol::EqualsIgnoreCase(word, "getreg")) {
    if (MakeDense(call, entry)) ReplyRegisters(call);
  } else if (protocol::EqualsIgnoreCase(word, "decode")) {
    if (dense) return call.reply.Error("ERR HLL encoding is not sparse");
    call.reply.Bulk(HyperLogLog::Describe(TextOf(*entry)));
  } else if (protocol::EqualsIgnoreCase(word, "encoding")) {
    call.reply.Simple(dense ? "dense" : "sparse");
  } else if (protocol::EqualsIgnoreCase(word, "todense")) {
    if (MakeDense(call, entry)) call.reply.Integer(!dense);
  } else {
    call.reply.Error("ERR Unknown PFDEBUG subcommand '" + std::string(word) + "'");
  }
}

// What is written to the registers of a dense value is read from them again.
std::string TestRegisters(RandomBits* random) {
  constexpr int kRounds = 20;
  for (int round = 0; round < kRounds; ++round) {
    HyperLogLog value(size_t{0});
    value.MakeDense();
    HyperLogLog::Registers expected;
    for (uint32_t i = 0; i < HyperLogLog::kRegisters; ++i) {
      expected[i] = static_cast<uint8_t>(random->Next() & 0x3f);
      value.Raise({i, expected[i]});
    }
    for (uint32_t i = 0; i < HyperLogLog::kRegisters; ++i) {
      const uint8_t found = HyperLogLog::DenseGet(value.bytes().data(), i);
      if (found == expected[i]) continue;
      return "TESTFAILED Register " + std::to_string(i) + " should be " +
             std::to_string(expected[i]) + " but is " + std::to_string(found);
    }
  }
  return {};
}

// Both forms give the same estimate, which isn't too wrong.
std::string TestEstimates(RandomBits* random, size_t sparse_max_bytes) {
  constexpr uint64_t kElements = 100'000;  // Redis takes ten million, for seconds
  HyperLogLog dense(size_t{0}), sparse(sparse_max_bytes);
  dense.MakeDense();
  const uint64_t seed = random->Next();
  uint64_t checkpoint = 1;
  for (uint64_t i = 1; i <= kElements; ++i) {
    const uint64_t number = i ^ seed;
    const std::string_view element(reinterpret_cast<const char*>(&number), sizeof number);
    dense.Add(element);
    sparse.Add(element);
    if (i != checkpoint) continue;
    if (i < sparse_max_bytes / 2 && HyperLogLog::IsDense(sparse.bytes())) {
      return "TESTFAILED sparse encoding not used";
    }
    const auto estimate = HyperLogLog::Estimate(dense.bytes());
    if (estimate != HyperLogLog::Estimate(sparse.bytes())) {
      return "TESTFAILED dense/sparse disagree";
    }
    const double allowed =
        i == 10 ? 1
                : std::ceil(6 * 1.04 / std::sqrt(HyperLogLog::kRegisters) * static_cast<double>(i));
    const double error = std::abs(static_cast<double>(*estimate) - static_cast<double>(i));
    if (error > allowed) {
      return "TESTFAILED Too big error. card:" + std::to_string(i) +
             " abserr:" + std::to_string(static_cast<uint64_t>(error));
    }
    checkpoint *= 10;
  }
  return {};
}

void PfSelfTest(Call& call) {
  RandomBits random(call.context.random);
  std::string failure = TestRegisters(&random);
  if (failure.empty()) {
    failure = TestEstimates(&random, call.options.containers.hll_sparse_max_bytes);
  }
  failure.empty() ? call.reply.Ok() : call.reply.Error(failure);
}

}  // namespace

void RegisterHyperLogLogCommands(HandlerMap* handlers) {
  handlers->insert({{"pfadd", PfAdd},
                    {"pfcount", PfCount},
                    {"pfmerge", PfMerge},
                    {"pfdebug", PfDebug},
                    {"pfselftest", PfSelfTest}});
}

}  // namespace understudy::targets::kv
