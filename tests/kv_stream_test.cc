// Streams as values: ids, the index, nodes, trimming, groups, and their RDB form.
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "targets/kv/rdb_streams.h"
#include "targets/kv/stream.h"

namespace understudy::targets::kv {
namespace {

using Texts = std::vector<std::string>;

// ---- ids ----

std::string Parsed(std::string_view text) {
  StreamId id;
  return StreamId::Parse(text, 7, &id) ? id.Text() : "no";
}

TEST(StreamIdTest, Parse) {
  EXPECT_EQ(Parsed("5-3"), "5-3");
  EXPECT_EQ(Parsed("5"), "5-7");
  EXPECT_EQ(Parsed("18446744073709551615-18446744073709551615"),
            "18446744073709551615-18446744073709551615");
  for (std::string_view text : {"", "-", "+", "5-", "-5", "x", "5-x", "5-3-1", "5 ", "5-*",
                                "18446744073709551616", "99999999999999999999-1"}) {
    EXPECT_EQ(Parsed(text), "no") << text;
  }
  // As strtoull() reads what isn't plain digits.
  EXPECT_EQ(Parsed("05-01"), "5-1");
  EXPECT_EQ(Parsed(" +5"), "5-7");
  EXPECT_EQ(Parsed("1--01"), "1-18446744073709551615");
  EXPECT_EQ(Parsed(std::string(200, '0')), "no");
  StreamId id;
  bool given = true;
  EXPECT_TRUE(StreamId::Parse("5-*", 0, &id, &given));
  EXPECT_FALSE(given);
  EXPECT_TRUE(StreamId::ParseBound("+", 0, &id));
  EXPECT_EQ(id, StreamId::Greatest());
}

TEST(StreamIdTest, StepsCarryOver) {
  StreamId id{5, UINT64_MAX};
  EXPECT_TRUE(id.Increment());
  EXPECT_EQ(id, (StreamId{6, 0}));
  EXPECT_TRUE(id.Decrement());
  EXPECT_EQ(id, (StreamId{5, UINT64_MAX}));
  id = StreamId::Greatest();
  EXPECT_FALSE(id.Increment());
  EXPECT_EQ(id, StreamId::Greatest());
  id = {};
  EXPECT_FALSE(id.Decrement());
}

// ---- the index ----

struct Numbered {
  StreamId id;
  uint64_t number;
};

TEST(IdIndexTest, AgreesWithAMap) {
  for (uint64_t seed = 1; seed <= 6; ++seed) {
    std::mt19937_64 random(seed);
    IdIndex<Numbered> index;
    std::map<StreamId, uint64_t> model;
    for (uint64_t step = 0; step < 30'000; ++step) {
      const bool ordered = seed % 2 == 0;
      const StreamId id{ordered ? step : random() % 3000, random() % 2};
      const bool remove = random() % (step < 15'000 ? 4 : 2) == 0;
      if (remove && !model.empty()) {
        const StreamId victim = ordered && random() % 2 == 0 ? model.begin()->first
                                                             : StreamId{random() % (step + 1), 0};
        ASSERT_EQ(index.EraseId(victim), model.erase(victim) == 1);
      } else if (model.emplace(id, step).second) {
        ASSERT_EQ(index.Insert({id, step})->number, step);
      } else {
        ASSERT_EQ(index.Find(id)->number, model[id]);
      }
      const StreamId bound{random() % 3000, 0};
      const auto at = index.LowerBound(bound);
      const auto expected = model.lower_bound(bound);
      ASSERT_EQ(index.AtEnd(at), expected == model.end());
      if (!index.AtEnd(at)) {
        ASSERT_EQ(index.At(at).id, expected->first);
      }
    }
    ASSERT_EQ(index.size(), model.size());
    auto at = index.begin_cursor();
    for (const auto& [id, number] : model) {
      ASSERT_FALSE(index.AtEnd(at));
      ASSERT_EQ(index.At(at).number, number);
      index.Next(&at);
    }
    ASSERT_TRUE(index.AtEnd(at));
    for (auto expected = model.rbegin(); expected != model.rend(); ++expected) {
      ASSERT_TRUE(index.Previous(&at));
      ASSERT_EQ(index.At(at).id, expected->first);
    }
    ASSERT_FALSE(index.Previous(&at));
    size_t budget = 100, steps = 0, freed = 0;
    while (!index.DropSome(&budget, [&freed](const Numbered&) { ++freed; })) {
      budget = 100;
      ++steps;
    }
    EXPECT_EQ(freed, model.size());
    EXPECT_TRUE(index.empty());
  }
}

// ---- streams against a model ----

class Model {
 public:
  explicit Model(const ContainerLimits& limits) : limits_(limits) {}

  void Append(const StreamId& id, const Texts& texts) {
    const std::vector<std::string_view> views(texts.begin(), texts.end());
    stream.Append(id, views, limits_, &scratch_);
    entries[id] = texts;
  }

  static Texts Shown(const StreamEntry& entry) {
    Texts texts;
    entry.ForEachField([&texts](const Element& field, const Element& value) {
      Element::Digits digits;
      texts.emplace_back(field.Text(&digits));
      texts.emplace_back(value.Text(&digits));
    });
    EXPECT_EQ(texts.size(), 2 * entry.fields());
    return texts;
  }

  // The stream has just what the model has, seen from `first` to `last` from either side.
  void Compare(const StreamId& first, const StreamId& last) const {
    for (bool reverse : {false, true}) {
      std::vector<std::pair<StreamId, Texts>> expected, found;
      for (auto at = entries.lower_bound(first); at != entries.end() && at->first <= last; ++at) {
        expected.emplace_back(*at);
      }
      if (reverse) std::reverse(expected.begin(), expected.end());
      StreamEntry entry;
      for (Stream::Range range(stream, first, last, reverse); range.Next(&entry);) {
        found.emplace_back(entry.id(), Shown(entry));
      }
      ASSERT_EQ(found, expected);
    }
    ASSERT_EQ(stream.length(), entries.size());
    ASSERT_EQ(stream.first_id(), entries.empty() ? StreamId() : entries.begin()->first);
    if (!entries.empty()) {
      ASSERT_EQ(stream.LastLiveId(), entries.rbegin()->first);
    }
  }

  Stream stream;
  std::map<StreamId, Texts> entries;

 private:
  ContainerLimits limits_;
  std::string scratch_;
};

ContainerLimits Limits(uint64_t seed) {
  ContainerLimits limits;
  limits.stream_node_max_entries = seed % 3 == 0 ? 100 : seed % 3 == 1 ? 4 : 0;
  limits.stream_node_max_bytes = seed % 4 == 0 ? 0 : seed % 4 == 1 ? 60 : 4096;
  return limits;
}

Texts RandomFields(std::mt19937_64* random) {
  Texts texts;
  for (uint64_t count = 1 + (*random)() % 3; count > 0; --count) {
    texts.push_back((*random)() % 4 == 0 ? "odd" + std::to_string((*random)() % 9)
                                         : "f" + std::to_string(count));
    texts.push_back((*random)() % 3 == 0 ? std::to_string((*random)())
                                         : std::string((*random)() % 80, 'v'));
  }
  return texts;
}

void Fill(Model* model, std::mt19937_64* random, int count) {
  for (int i = 0; i < count; ++i) {
    StreamId id = model->stream.last_id;
    if ((*random)() % 2 == 0) {
      id = {id.ms + 1 + (*random)() % 1000, (*random)() % 3};
    } else {
      id.Increment();
    }
    model->Append(id, RandomFields(random));
  }
}

TEST(StreamTest, AgreesWithAModel) {
  for (uint64_t seed = 1; seed <= 12; ++seed) {
    std::mt19937_64 random(seed);
    Model model(Limits(seed));
    for (int round = 0; round < 60; ++round) {
      Fill(&model, &random, 20);
      const uint64_t newest = model.stream.last_id.ms;
      for (int i = 0; i < 8; ++i) {
        StreamId id{random() % (newest + 2), random() % 3};
        if (random() % 2 == 0 && !model.entries.empty()) {
          id = std::next(model.entries.begin(),
                         static_cast<ptrdiff_t>(random() % model.entries.size()))
                   ->first;
        }
        ASSERT_EQ(model.stream.Contains(id), model.entries.contains(id));
        ASSERT_EQ(model.stream.Remove(id), model.entries.erase(id) == 1);
      }
      if (round % 3 == 0) {
        const uint64_t count = random() % (model.entries.size() + 1);
        model.stream.RemoveFirst(count);
        for (uint64_t i = 0; i < count; ++i) model.entries.erase(model.entries.begin());
      }
      model.Compare({}, StreamId::Greatest());
      model.Compare({random() % (newest + 1), 1}, {random() % (newest + 1), 1});
      if (testing::Test::HasFatalFailure()) return;
    }
  }
}

TEST(StreamTest, TrimmingCountsAsAsked) {
  for (uint64_t seed = 1; seed <= 12; ++seed) {
    std::mt19937_64 random(seed);
    Model model(Limits(seed));
    Fill(&model, &random, 300);
    for (int i = 0; i < 40; ++i) {
      model.stream.Remove(
          std::next(model.entries.begin(), static_cast<ptrdiff_t>(random() % 300))->first);
    }
    StreamTrim trim;
    trim.by = StreamTrim::By::kLength;
    for (uint64_t length = 0; length <= model.stream.length() + 1; ++length) {
      trim.max_length = length;
      trim.approximate = false;
      trim.limit = 0;
      const uint64_t exact = std::max(model.stream.length(), length) - length;
      ASSERT_EQ(model.stream.CountToTrim(trim), exact);
      trim.approximate = true;
      const uint64_t nodes = model.stream.CountToTrim(trim);
      ASSERT_LE(nodes, exact);
      trim.limit = 10;
      ASSERT_LE(model.stream.CountToTrim(trim), std::min<uint64_t>(nodes, 10));
    }
    trim.by = StreamTrim::By::kId;
    StreamEntry entry;
    uint64_t before = 0;
    for (Stream::Range all(model.stream, {}, StreamId::Greatest()); all.Next(&entry); ++before) {
      trim.min_id = entry.id();
      trim.approximate = false;
      trim.limit = 0;
      ASSERT_EQ(model.stream.CountToTrim(trim), before);
      trim.approximate = true;
      ASSERT_LE(model.stream.CountToTrim(trim), before);
    }
  }
}

TEST(StreamTest, WhatIsKnownOfEntriesRead) {
  Model model{ContainerLimits()};
  for (uint64_t i = 1; i <= 5; ++i) model.Append({i, 0}, {"f", "v"});
  Stream& stream = model.stream;
  EXPECT_EQ(stream.EntriesUpTo({0, 5}), 0);
  EXPECT_EQ(stream.EntriesUpTo({1, 0}), 1);
  EXPECT_EQ(stream.EntriesUpTo({5, 0}), 5);
  EXPECT_EQ(stream.EntriesUpTo({3, 0}), StreamGroup::kUnknown);
  EXPECT_EQ(stream.EntriesUpTo({9, 0}), StreamGroup::kUnknown);
  StreamGroup group({2, 0}, 2);
  EXPECT_EQ(stream.Lag(group), 3);
  stream.Advance(&group, {3, 0});
  EXPECT_EQ(group.entries_read, 3);
  // An entry ahead is removed: the lag is unknown until the group is past it. What was removed isn't
  // counted as read then, as in Redis.
  EXPECT_TRUE(stream.Remove({4, 0}));
  EXPECT_EQ(stream.Lag(group), std::nullopt);
  stream.Advance(&group, {5, 0});
  EXPECT_EQ(group.entries_read, 4);
  EXPECT_EQ(stream.Lag(group), 1);
}

// ---- groups ----

// Each pending id is at the one consumer it says.
void CheckGroup(const StreamGroup& group) {
  size_t at_consumers = 0;
  for (const auto& [name, consumer] : group.consumers()) {
    EXPECT_EQ(consumer.name, name);
    at_consumers += consumer.pending.size();
  }
  EXPECT_EQ(at_consumers, group.pending().size());
  group.pending().ForEach([&group](const StreamGroup::Pending& each) {
    EXPECT_EQ(group.Find(each.consumer->name), each.consumer);
    EXPECT_NE(each.consumer->pending.Find(each.id), nullptr);
  });
}

void ChangeAtRandom(StreamGroup* group, std::mt19937_64* random, int steps) {
  for (int step = 0; step < steps; ++step) {
    const StreamId id{(*random)() % 400, 0};
    bool made;
    StreamConsumer* consumer =
        group->FindOrMake("consumer" + std::to_string((*random)() % 5), 1, &made);
    switch ((*random)() % 8) {
      case 0:
        if ((*random)() % 50 == 0) group->Remove(std::string(consumer->name));
        break;
      case 1:
      case 2:
        group->Acknowledge(id);
        break;
      case 3:
        if (auto* pending = group->pending().Find(id)) group->Move(pending, consumer);
        break;
      default:
        group->Deliver(id, consumer, step);
    }
  }
}

TEST(StreamGroupTest, AnEntryIsPendingAtOneConsumer) {
  std::mt19937_64 random(1);
  StreamGroup group({5, 0}, 3);
  for (int round = 0; round < 20; ++round) {
    ChangeAtRandom(&group, &random, 300);
    CheckGroup(group);
  }
  const StreamGroup copy(group);
  CheckGroup(copy);
  EXPECT_EQ(copy.pending().size(), group.pending().size());
  size_t steps = 0, budget = 10;
  for (; !group.DropSome(&budget); budget = 10) ++steps;
  EXPECT_GT(steps, 1u);
  CheckGroup(copy);  // shares nothing with it
}

// ---- RDB ----

std::string Written(const Stream& stream) {
  std::string bytes;
  const SnapshotSink sink = [&bytes](std::string_view piece) {
    bytes.append(piece);
    return true;
  };
  RdbWriter writer(sink, false);
  WriteRdbStream(&writer, stream);
  EXPECT_TRUE(writer.Finish());
  return bytes;
}

TEST(RdbStreamsTest, WhatIsWrittenIsReadBack) {
  std::mt19937_64 random(3);
  Model model(Limits(1));
  Fill(&model, &random, 200);
  for (int i = 0; i < 30; ++i) model.stream.Remove({random() % model.stream.last_id.ms, 0});
  for (const char* name : {"g1", "g2", ""}) {
    auto& group = model.stream.groups().try_emplace(name, StreamId{5, 5}, -1).first->second;
    if (*name != '\0') ChangeAtRandom(&group, &random, 500);
  }
  const std::string bytes = Written(model.stream);
  RdbReader reader(bytes);
  const auto read = ReadRdbStream(&reader, kRdbTypeStream3);
  ASSERT_NE(read, nullptr) << reader.error();
  EXPECT_TRUE(reader.AtEnd());
  EXPECT_EQ(Written(*read), bytes);
  EXPECT_EQ(read->first_id(), model.stream.first_id());
  for (const auto& [name, group] : read->groups()) CheckGroup(group);
  const Stream copy(*read);
  EXPECT_EQ(Written(copy), bytes);
  EXPECT_GT(copy.memory(), bytes.size());
  const std::string empty = Written(Stream());
  RdbReader nothing(empty);
  EXPECT_NE(ReadRdbStream(&nothing, kRdbTypeStream3), nullptr);
}

// Any bytes: a stream that holds what a stream must, or a refusal.
TEST(RdbStreamsTest, DamageIsRefusedOrHarmless) {
  std::mt19937_64 random(4);
  Model model(Limits(1));
  Fill(&model, &random, 12);
  model.stream.Remove(model.stream.first_id());
  auto& group = model.stream.groups().try_emplace("group", StreamId{5, 5}, 3).first->second;
  ChangeAtRandom(&group, &random, 20);
  const std::string good = Written(model.stream);
  size_t refused = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes = good;
    for (uint64_t changes = 1 + random() % 2; changes > 0; --changes) {
      const size_t at = random() % bytes.size();
      if (random() % 3 == 0) {
        bytes.erase(at, 1 + random() % 3);
      } else {
        bytes[at] = static_cast<char>(random());
      }
    }
    for (uint8_t type : {kRdbTypeStream1, kRdbTypeStream2, kRdbTypeStream3}) {
      RdbReader reader(bytes);
      const auto read = ReadRdbStream(&reader, type);
      ASSERT_EQ(read == nullptr, reader.failed());
      refused += read == nullptr;
      if (read == nullptr) continue;
      uint64_t length = 0;
      StreamEntry entry;
      StreamId last;
      for (Stream::Range all(*read, {}, StreamId::Greatest()); all.Next(&entry); ++length) {
        ASSERT_TRUE(length == 0 || entry.id() > last);
        last = entry.id();
        Model::Shown(entry);
      }
      ASSERT_EQ(length, read->length());
      for (const auto& [name, each] : read->groups()) CheckGroup(each);
    }
  }
  EXPECT_GT(refused, 30'000u);
}

}  // namespace
}  // namespace understudy::targets::kv
