#include "cluster/log.h"

#include <gtest/gtest.h>

#include <random>

#include "cluster/record.h"

namespace understudy::cluster {
namespace {

constexpr uint64_t kCluster = 5;
constexpr size_t kAll = std::numeric_limits<size_t>::max();

std::string Record(Index index, Term term, std::string_view payload, uint64_t cluster = kCluster) {
  std::string bytes;
  AppendRecord(&bytes, {cluster, term, index, 1000, EntryType::kNormal, payload});
  return bytes;
}

// Everything the log says about its entries, read in every way there is.
std::vector<std::string> Contents(const Log& log) {
  std::vector<std::string> entries;
  log.ForEach(0, log.last_index() + 10, [&](const EntryView& entry) {
    EXPECT_EQ(entry.index, log.first_index() + entries.size());
    EXPECT_EQ(entry.term, log.TermAt(entry.index));
    EXPECT_EQ(entry.cluster, kCluster);
    EntryView got;
    EXPECT_TRUE(log.Get(entry.index, &got));
    EXPECT_EQ(got.payload, entry.payload);
    entries.push_back(std::to_string(entry.term) + ":" + std::string(entry.payload));
  });
  EXPECT_EQ(entries.size(), log.last_index() - log.base_index());
  // The ranges follow each other and hold the same bytes.
  size_t bytes = 0, count = 0;
  for (Index from = log.first_index(); from <= log.last_index();) {
    Index last = 0;
    std::string_view range = log.Range(from, kAll, &last);
    EXPECT_GE(last, from);
    bytes += range.size();
    for (; from <= last; ++from, ++count) {
      EntryView entry;
      size_t size = 0;
      EXPECT_EQ(ReadRecord(range, &entry, &size), RecordStatus::kOk);
      EXPECT_EQ(entry.index, from);
      range.remove_prefix(size);
    }
    EXPECT_TRUE(range.empty());
  }
  EXPECT_EQ(bytes, log.bytes());
  EXPECT_EQ(count, entries.size());
  return entries;
}

TEST(Log, NewLogIsEmptyAtZero) {
  Log log(kCluster);
  EXPECT_EQ(log.base_index(), 0u);
  EXPECT_EQ(log.first_index(), 1u);
  EXPECT_EQ(log.last_index(), 0u);
  EXPECT_EQ(log.last_term(), 0u);
  EXPECT_EQ(log.bytes(), 0u);
  EXPECT_FALSE(log.Has(0));
  EXPECT_FALSE(log.Has(1));
  EXPECT_EQ(log.TermAt(0), 0u);
  EntryView entry;
  EXPECT_FALSE(log.Get(1, &entry));
  Index last = 99;
  EXPECT_EQ(log.Range(1, kAll, &last), "");
  EXPECT_EQ(last, 0u);
}

TEST(Log, AppendMakesTheRecordThatReadsBack) {
  Log log(kCluster);
  EXPECT_EQ(log.Append(1, 10, EntryType::kEmpty, ""), 1u);
  EXPECT_EQ(log.Append(1, 11, EntryType::kNormal, "one"), 2u);
  EXPECT_EQ(log.Append(4, 12, EntryType::kConfiguration, "two"), 3u);
  EXPECT_EQ(log.last_index(), 3u);
  EXPECT_EQ(log.last_term(), 4u);
  EntryView entry;
  ASSERT_TRUE(log.Get(3, &entry));
  EXPECT_EQ(entry.time_ms, 12);
  EXPECT_EQ(entry.type, EntryType::kConfiguration);
  EXPECT_EQ(Contents(log), (std::vector<std::string>{"1:", "1:one", "4:two"}));
  EXPECT_EQ(log.TermAt(2), 1u);
  EXPECT_EQ(log.TermAt(4), 0u);
}

TEST(Log, ReceivedRecordsEqualAppendedOnes) {
  Log sender(kCluster), receiver(kCluster);
  for (int i = 0; i < 100; ++i) {
    sender.Append(1 + i / 30, 1000, EntryType::kNormal, std::string(i * 7, 'x'));
  }
  for (Index from = 1; from <= sender.last_index();) {
    Index last = 0;
    std::string_view records = sender.Range(from, 2000, &last);
    ASSERT_TRUE(receiver.AppendRecords(records));
    EXPECT_EQ(receiver.last_index(), last);
    from = last + 1;
  }
  EXPECT_EQ(Contents(receiver), Contents(sender));
  EXPECT_EQ(receiver.last_term(), sender.last_term());
}

TEST(Log, RefusedRecordsLeaveTheLogAsItWas) {
  const std::string second = Record(2, 3, "b"), third = Record(3, 3, "c");
  std::string damaged = second + third;
  damaged.back() = static_cast<char>(damaged.back() ^ 1);
  const std::string bad[] = {
      Record(1, 3, "a"),           // not behind the last
      third,                       // a gap
      second + second,             // not contiguous
      second + Record(3, 2, "c"),  // term decreases within
      Record(2, 2, "b"),           // term older than the log's
      Record(2, 3, "b", kCluster + 1),
      second + Record(3, 4, "c", kCluster + 1),
      damaged,
      second + Record(3, 7, "c") + Record(5, 7, "d"),  // a newer term, to be forgotten again
      (second + third).substr(0, second.size() + third.size() - 1),
      "garbage",
  };
  for (bool empty_tail : {false, true}) {
    for (const std::string& records : bad) {
      Log log(kCluster);
      if (empty_tail) {
        log.Reset(1, 3);
      } else {
        log.Append(3, 1000, EntryType::kNormal, "a");
      }
      auto before = Contents(log);
      EXPECT_FALSE(log.AppendRecords(records));
      EXPECT_EQ(Contents(log), before);
      EXPECT_EQ(log.last_index(), 1u);
      EXPECT_EQ(log.last_term(), 3u);
      EXPECT_EQ(log.TermAt(1), 3u);
      ASSERT_TRUE(log.AppendRecords(second + third));
      EXPECT_EQ(log.last_index(), 3u);
      before.insert(before.end(), {"3:b", "3:c"});
      EXPECT_EQ(Contents(log), before);
    }
  }
}

TEST(Log, RangeKeepsItsLimitButGivesOneRecordAtLeast) {
  Log log(kCluster);
  for (int i = 0; i < 10; ++i) log.Append(1, 1000, EntryType::kNormal, std::string(100, 'x'));
  size_t one = log.bytes() / 10;
  Index last = 0;
  EXPECT_EQ(log.Range(3, 1, &last).size(), one);
  EXPECT_EQ(last, 3u);
  EXPECT_EQ(log.Range(3, 2 * one - 1, &last).size(), one);
  EXPECT_EQ(log.Range(3, 2 * one, &last).size(), 2 * one);
  EXPECT_EQ(last, 4u);
  EXPECT_EQ(log.Range(9, 100 * one, &last).size(), 2 * one);
  EXPECT_EQ(last, 10u);
  EXPECT_EQ(log.Range(11, kAll, &last), "");
  EXPECT_EQ(last, 10u);
}

TEST(Log, ViewsStayWhileTheLogGrows) {
  Log log(kCluster);
  log.Append(1, 1000, EntryType::kNormal, "first");
  EntryView first;
  ASSERT_TRUE(log.Get(1, &first));
  const char* place = first.payload.data();
  for (int i = 0; i < 3000; ++i) log.Append(1, 1000, EntryType::kNormal, std::string(1000, 'y'));
  ASSERT_TRUE(log.Get(1, &first));
  EXPECT_EQ(first.payload.data(), place);
  EXPECT_EQ(first.payload, "first");
}

TEST(Log, EntriesBiggerThanAChunk) {
  Log log(kCluster);
  log.Append(1, 1000, EntryType::kNormal, "small");
  std::string big(3 << 20, 'b');
  log.Append(1, 1000, EntryType::kNormal, big);
  log.Append(1, 1000, EntryType::kNormal, "small again");
  EntryView entry;
  ASSERT_TRUE(log.Get(2, &entry));
  EXPECT_EQ(entry.payload, big);
  EXPECT_EQ(Contents(log).size(), 3u);
}

TEST(Log, TruncateAfterThenOtherEntries) {
  Log log(kCluster);
  for (Term term : {1, 1, 2, 2, 3}) log.Append(term, 1000, EntryType::kNormal, "old");
  log.TruncateAfter(9);
  EXPECT_EQ(log.last_index(), 5u);
  log.TruncateAfter(3);
  EXPECT_EQ(log.last_index(), 3u);
  EXPECT_EQ(log.last_term(), 2u);
  EXPECT_EQ(log.TermAt(4), 0u);
  EXPECT_EQ(log.Append(5, 1000, EntryType::kNormal, "new"), 4u);
  EXPECT_EQ(Contents(log), (std::vector<std::string>{"1:old", "1:old", "2:old", "5:new"}));
  log.TruncateAfter(0);
  EXPECT_EQ(log.last_index(), 0u);
  EXPECT_EQ(log.last_term(), 0u);
  EXPECT_EQ(log.bytes(), 0u);
  EXPECT_EQ(log.Append(6, 1000, EntryType::kNormal, "again"), 1u);
  EXPECT_EQ(Contents(log), (std::vector<std::string>{"6:again"}));
}

TEST(Log, ResetBehindASnapshot) {
  Log log(kCluster);
  log.Append(1, 1000, EntryType::kNormal, "old");
  log.Reset(100, 7);
  EXPECT_EQ(log.base_index(), 100u);
  EXPECT_EQ(log.last_index(), 100u);
  EXPECT_EQ(log.last_term(), 7u);
  EXPECT_EQ(log.TermAt(100), 7u);
  EXPECT_EQ(log.TermAt(1), 0u);
  EXPECT_FALSE(log.Has(100));
  EXPECT_EQ(log.Append(8, 1000, EntryType::kNormal, "new"), 101u);
  log.TruncateAfter(100);
  EXPECT_EQ(log.last_term(), 7u);
  EXPECT_EQ(Contents(log).size(), 0u);
}

TEST(Log, DropUpToDropsWholeChunksOnly) {
  Log log(kCluster);
  for (int i = 0; i < 5000; ++i) {
    log.Append(1 + i / 1000, 1000, EntryType::kNormal, std::string(1000, 'x'));
  }
  EXPECT_EQ(log.DropUpTo(1), 0u) << "the first chunk holds more than one entry";
  Index base = log.DropUpTo(2500);
  EXPECT_GT(base, 0u);
  EXPECT_LE(base, 2500u);
  EXPECT_EQ(log.base_index(), base);
  EXPECT_EQ(log.TermAt(base), 1 + (base - 1) / 1000);
  EXPECT_EQ(log.TermAt(base - 1), 0u);
  EXPECT_EQ(log.TermAt(base + 1), 1 + base / 1000);
  EXPECT_EQ(Contents(log).size(), 5000 - base);
  EXPECT_EQ(log.DropUpTo(6000), 5000u);
  EXPECT_EQ(log.bytes(), 0u);
  EXPECT_EQ(log.last_index(), 5000u);
  EXPECT_EQ(log.last_term(), 5u);
  EXPECT_EQ(log.TermAt(5000), 5u);
  EXPECT_EQ(log.Append(5, 1000, EntryType::kNormal, "next"), 5001u);
  EXPECT_EQ(log.TermAt(5000), 5u);
  EXPECT_EQ(Contents(log), (std::vector<std::string>{"5:next"}));
}

// Random operations beside a plain list of entries.
TEST(Log, AgreesWithAModel) {
  std::mt19937_64 random(20240601);
  Log log(kCluster);
  std::vector<std::string> model;  // entries from first_index() on
  Term term = 1;
  for (int step = 0; step < 3000; ++step) {
    switch (random() % 20) {
      case 0:
        ++term;
        break;
      case 1: {
        size_t keep =
            model.empty() ? 0 : model.size() - random() % std::min<size_t>(model.size(), 9);
        log.TruncateAfter(log.base_index() + keep);
        model.resize(keep);
        break;
      }
      case 2: {
        Index before = log.base_index();
        Index wanted = before + random() % (model.size() + 1);
        Index base = log.DropUpTo(wanted);
        ASSERT_LE(base, wanted);
        model.erase(model.begin(), model.begin() + static_cast<long>(base - before));
        break;
      }
      case 3:
      case 4:
      case 5: {
        std::string records;
        for (size_t i = 0, count = 1 + random() % 20; i < count; ++i) {
          std::string payload(random() % 5000, static_cast<char>('a' + i));
          records += Record(log.last_index() + 1 + i, term, payload);
          model.push_back(std::to_string(term) + ":" + payload);
        }
        ASSERT_TRUE(log.AppendRecords(records));
        break;
      }
      case 6: {  // good records of newer terms before a bad one leave no trace
        std::string records;
        for (Index i = 1; i < 5; ++i) records += Record(log.last_index() + i, term + i, "refused");
        ASSERT_FALSE(log.AppendRecords(records + Record(1, term, "bad")));
        break;
      }
      default: {
        std::string payload(random() % 3000, 'p');
        log.Append(term, 1000, EntryType::kNormal, payload);
        model.push_back(std::to_string(term) + ":" + payload);
      }
    }
    ASSERT_EQ(log.last_index(), log.base_index() + model.size());
    if (step % 100 == 0) {
      ASSERT_EQ(Contents(log), model) << step;
    }
  }
  EXPECT_EQ(Contents(log), model);
}

}  // namespace
}  // namespace understudy::cluster
