#include "cluster/record.h"

#include <gtest/gtest.h>

#include <limits>

namespace understudy::cluster {
namespace {

std::string Ascending(int first, int step) {
  std::string bytes;
  for (int i = 0; i < 32; ++i) bytes.push_back(static_cast<char>(first + step * i));
  return bytes;
}

EntryView Sample() { return {7, 3, 300, 1700000000123, EntryType::kNormal, "payload"}; }

std::string Encode(const EntryView& entry) {
  std::string bytes;
  AppendRecord(&bytes, entry);
  return bytes;
}

void ExpectSame(const EntryView& a, const EntryView& b) {
  EXPECT_EQ(a.cluster, b.cluster);
  EXPECT_EQ(a.term, b.term);
  EXPECT_EQ(a.index, b.index);
  EXPECT_EQ(a.time_ms, b.time_ms);
  EXPECT_EQ(a.type, b.type);
  EXPECT_EQ(a.payload, b.payload);
}

// Makes the checksum fit again, so that only the body is wrong.
void Reseal(std::string* record) {
  uint32_t crc = Crc32c(std::string_view(*record).substr(8));
  for (size_t i = 0; i < 4; ++i) (*record)[4 + i] = static_cast<char>(crc >> (8 * i));
}

using Checksum = uint32_t (*)(std::string_view, uint32_t);
class Crc32cTest : public testing::TestWithParam<Checksum> {};
INSTANTIATE_TEST_SUITE_P(Ways, Crc32cTest, testing::Values(&Crc32c, &Crc32cPortable));

TEST_P(Crc32cTest, KnownVectors) {  // RFC 3720, appendix B.4
  Checksum crc = GetParam();
  EXPECT_EQ(crc(std::string(32, '\0'), 0), 0x8a9136aau);
  EXPECT_EQ(crc(std::string(32, '\xff'), 0), 0x62a8ab43u);
  EXPECT_EQ(crc(Ascending(0, 1), 0), 0x46dd794eu);
  EXPECT_EQ(crc(Ascending(31, -1), 0), 0x113fdb5cu);
  const unsigned char read_command[48] = {
      0x01, 0xc0, 0, 0,    0, 0, 0, 0,    0,    0, 0, 0, 0, 0, 0, 0, 0x14, 0, 0, 0, 0, 0, 4, 0,
      0,    0,    0, 0x14, 0, 0, 0, 0x18, 0x28, 0, 0, 0, 0, 0, 0, 0, 2,    0, 0, 0, 0, 0, 0, 0};
  EXPECT_EQ(crc(std::string_view(reinterpret_cast<const char*>(read_command), 48), 0), 0xd9963a56u);
  EXPECT_EQ(crc("123456789", 0), 0xe3069283u);
  EXPECT_EQ(crc("", 0), 0u);
}

TEST_P(Crc32cTest, ContinuesFromASeedAtAnySplit) {
  Checksum crc = GetParam();
  std::string bytes;
  for (int i = 0; i < 67; ++i) bytes.push_back(static_cast<char>(i * 37 + 11));
  uint32_t whole = crc(bytes, 0);
  for (size_t split = 0; split <= bytes.size(); ++split) {
    std::string_view view = bytes;
    EXPECT_EQ(crc(view.substr(split), crc(view.substr(0, split), 0)), whole) << split;
  }
}

TEST(Crc32c, BothWaysAgreeOnEveryLengthAndAlignment) {
  std::string bytes;
  for (int i = 0; i < 96; ++i) bytes.push_back(static_cast<char>(i * i + 3 * i));
  for (size_t from = 0; from < 9; ++from) {
    for (size_t size = 0; size + from <= bytes.size(); ++size) {
      std::string_view part = std::string_view(bytes).substr(from, size);
      ASSERT_EQ(Crc32c(part), Crc32cPortable(part)) << from << "+" << size;
    }
  }
}

TEST(Record, ReadsWhatWasWritten) {
  constexpr uint64_t kMax = std::numeric_limits<uint64_t>::max();
  const std::string binary("\0\r\n\xff", 4);
  for (EntryView entry : {Sample(), EntryView{0, 1, 1, 0, EntryType::kEmpty, ""},
                          EntryView{kMax, kMax, kMax, std::numeric_limits<int64_t>::max(),
                                    EntryType::kConfiguration, binary}}) {
    std::string bytes = Encode(entry);
    std::string followed = bytes + "rest";
    for (bool verify : {true, false}) {
      EntryView read;
      size_t size = 0;
      ASSERT_EQ(ReadRecord(followed, &read, &size, verify), RecordStatus::kOk);
      EXPECT_EQ(size, bytes.size());
      ExpectSame(read, entry);
    }
  }
}

TEST(Record, LayoutIsAsDocumented) {
  // size 5+3=8: cluster 1, term 2, index 300 (ac 02), time 5, type 1, "ab".
  std::string bytes = Encode({1, 2, 300, 5, EntryType::kNormal, "ab"});
  std::string body(
      "\x01\x02\xac\x02\x05\x01"
      "ab",
      8);
  ASSERT_EQ(bytes.size(), 16u);
  EXPECT_EQ(bytes.substr(0, 4), std::string("\x08\0\0\0", 4));
  EXPECT_EQ(bytes.substr(8), body);
  uint32_t crc = Crc32c(body);
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(static_cast<unsigned char>(bytes[4 + i]), (crc >> (8 * i)) & 0xff);
  }
}

TEST(Record, EveryPrefixIsIncomplete) {
  std::string bytes = Encode(Sample());
  for (size_t size = 0; size < bytes.size(); ++size) {
    EntryView read;
    size_t record_bytes = 99;
    EXPECT_EQ(ReadRecord(std::string_view(bytes).substr(0, size), &read, &record_bytes),
              RecordStatus::kIncomplete)
        << size;
    EXPECT_EQ(record_bytes, 0u);
  }
}

TEST(Record, EveryFlippedBitBehindTheSizeIsFound) {
  const std::string good = Encode(Sample());
  for (size_t at = 4; at < good.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string bad = good;
      bad[at] = static_cast<char>(bad[at] ^ (1 << bit));
      EntryView read;
      size_t size = 0;
      ASSERT_EQ(ReadRecord(bad, &read, &size), RecordStatus::kCorrupt) << at << "/" << bit;
      EXPECT_EQ(size, good.size());
    }
  }
}

TEST(Record, IncredibleSizesAreCorruptWithoutALength) {
  for (uint32_t size : {0u, 4u, static_cast<uint32_t>(kMaxRecordBytes) + 1, 0xffffffffu}) {
    std::string bytes(64, '\0');
    for (size_t i = 0; i < 4; ++i) bytes[i] = static_cast<char>(size >> (8 * i));
    EntryView read;
    size_t record_bytes = 99;
    EXPECT_EQ(ReadRecord(bytes, &read, &record_bytes), RecordStatus::kCorrupt) << size;
    EXPECT_EQ(record_bytes, 0u);
  }
}

TEST(Record, WrongBodiesWithARightChecksumAreCorrupt) {
  auto status_of_body = [](const std::string& body) {
    std::string record(8, '\0');
    record[0] = static_cast<char>(body.size());
    record += body;
    Reseal(&record);
    EntryView read;
    size_t size = 0;
    return ReadRecord(record, &read, &size);
  };
  const std::string ones(9, '\xff');
  EXPECT_EQ(status_of_body(std::string("\1\1\1\1\1", 5)), RecordStatus::kOk);
  EXPECT_EQ(status_of_body(std::string("\1\1\1\1\3", 5)), RecordStatus::kCorrupt);  // type
  EXPECT_EQ(status_of_body(std::string("\1\1\1\1\xff", 5)), RecordStatus::kCorrupt);
  EXPECT_EQ(status_of_body(std::string("\1\1\1\x80\1", 5)), RecordStatus::kCorrupt);  // no type
  EXPECT_EQ(status_of_body(std::string("\1\1\x80\x80\x80", 5)), RecordStatus::kCorrupt);
  // 2^64 and more; an eleventh byte; a negative time.
  EXPECT_EQ(status_of_body(ones + "\x02" + std::string("\1\1\1\1", 4)), RecordStatus::kCorrupt);
  EXPECT_EQ(status_of_body(ones + "\xff\x01" + std::string("\1\1\1\1", 4)), RecordStatus::kCorrupt);
  EXPECT_EQ(status_of_body("\1\1\1" + ones + "\x01\x01"), RecordStatus::kCorrupt);
}

}  // namespace
}  // namespace understudy::cluster
