// The bit commands and LCS at a global and a local. What each command replies in all its cases is
// in tests/commands/*.txt; here it is what replicates, and random commands against a plain model.
#include <gtest/gtest.h>

#include <random>

#include "targets/kv/bits.h"
#include "targets/kv/kv_target.h"
#include "tests/target_pair.h"

namespace understudy::targets {
namespace {

class KvBitTest : public testing::Test {
 protected:
  std::string Run(const TargetPair::Args& args) { return pair_.Run(args); }

  const protocol::CommandTable table_;
  std::shared_ptr<TargetOptions> options_ = std::make_shared<TargetOptions>();
  TargetPair pair_{std::make_unique<kv::KvTarget>(table_, options_),
                   std::make_unique<kv::KvTarget>(table_, options_)};
};

TEST_F(KvBitTest, SetbitShipsTheByte) {
  Run({"SET", "k", std::string(10000, 'x')});
  EXPECT_EQ(Run({"SETBIT", "k", "40003", "0"}), ":1\r\n");
  EXPECT_EQ(pair_.EffectText(), "setrange k 5000 h");
  EXPECT_EQ(Run({"SETBIT", "k", "40003", "0"}), ":0\r\n");
  EXPECT_EQ(pair_.EffectText(), "") << "nothing changed";
  EXPECT_EQ(Run({"SETBIT", "new", "7", "0"}), ":0\r\n");
  EXPECT_EQ(Run({"GET", "new"}), std::string("$1\r\n\0\r\n", 7));
}

TEST_F(KvBitTest, BitfieldShipsTheFields) {
  Run({"SET", "k", std::string(10000, '\0')});
  EXPECT_EQ(Run({"BITFIELD", "k", "SET", "u8", "#100", "65", "GET", "u8", "#100", "INCRBY", "u8",
                 "#100", "1"}),
            "*3\r\n:0\r\n:65\r\n:66\r\n");
  EXPECT_EQ(pair_.EffectText(), "setrange k 100 A\nsetrange k 100 B");
  EXPECT_EQ(Run({"BITFIELD", "k", "SET", "u8", "#100", "66"}), "*1\r\n:66\r\n");
  EXPECT_EQ(pair_.EffectText(), "");
}

TEST_F(KvBitTest, BitfieldThatFailsStillMakesRoom) {
  EXPECT_EQ(Run({"BITFIELD", "k", "OVERFLOW", "FAIL", "SET", "u4", "20", "99"}), "*1\r\n$-1\r\n");
  EXPECT_EQ(Run({"STRLEN", "k"}), ":3\r\n");
}

TEST_F(KvBitTest, BitopShipsTheSmallerOfResultAndRequest) {
  Run({"SET", "a", "abc"});
  Run({"SET", "big", std::string(10000, 'x')});
  EXPECT_EQ(Run({"BITOP", "OR", "t", "a", "missing"}), ":3\r\n");
  EXPECT_EQ(pair_.EffectText(), "set t abc raw");
  EXPECT_EQ(Run({"BITOP", "XOR", "t", "a", "big"}), ":10000\r\n");
  EXPECT_EQ(pair_.EffectText(), "bitop XOR t a big");
  EXPECT_EQ(Run({"BITOP", "not", "big", "big"}), ":10000\r\n");
  EXPECT_EQ(pair_.EffectText(), "bitop not big big");
  EXPECT_EQ(Run({"BITOP", "AND", "t", "missing"}), ":0\r\n");
  EXPECT_EQ(pair_.EffectText(), "del t");
  EXPECT_EQ(Run({"BITOP", "AND", "t", "missing"}), ":0\r\n");
  EXPECT_EQ(pair_.EffectText(), "");
}

TEST_F(KvBitTest, BitopSourcesThatExpire) {
  Run({"SET", "a", std::string(5000, 'a')});
  Run({"SET", "b", std::string(6000, 'b'), "PX", "100"});
  pair_.now_ms += 1000;
  EXPECT_EQ(Run({"BITOP", "OR", "t", "a", "b"}), ":5000\r\n");
  EXPECT_EQ(pair_.EffectText(), "del b\nbitop OR t a b");
}

TEST_F(KvBitTest, BitopEffectsItNeverMade) {
  RecordingPublisher publisher;
  EffectWriter counting(nullptr);
  Context context;
  context.effects = &counting;
  context.publisher = &publisher;
  const auto apply = [&](int db, std::initializer_list<std::string_view> args) {
    const std::vector<std::string_view> views(args);
    return pair_.local->Apply(db, views, context);
  };
  EXPECT_FALSE(apply(0, {"bitop", "or", "t"}));
  EXPECT_FALSE(apply(0, {"bitop", "nor", "t", "a"}));
  EXPECT_FALSE(apply(0, {"bitop", "not", "t", "a", "b"}));
  EXPECT_FALSE(apply(16, {"bitop", "or", "t", "a"}));
  EXPECT_FALSE(apply(-1, {"bitop", "or", "t", "a"}));
}

TEST_F(KvBitTest, KeepsTheExpiry) {
  Run({"SET", "k", "x", "PX", "5000"});
  Run({"SETBIT", "k", "100", "1"});
  Run({"BITFIELD", "k", "SET", "u8", "0", "1"});
  EXPECT_EQ(Run({"PTTL", "k"}), ":5000\r\n");
  Run({"BITOP", "NOT", "k", "k"});
  EXPECT_EQ(Run({"PTTL", "k"}), ":-1\r\n") << "a new value";
}

TEST_F(KvBitTest, SizesAreLimited) {
  options_->max_value_bytes = 1000;
  EXPECT_EQ(Run({"SETBIT", "k", "7999", "1"}), ":0\r\n");
  const std::string error = "-ERR bit offset is not an integer or out of range\r\n";
  EXPECT_EQ(Run({"SETBIT", "k", "8000", "1"}), error);
  EXPECT_EQ(Run({"GETBIT", "k", "8000"}), error);
  EXPECT_EQ(Run({"BITFIELD", "k", "SET", "u8", "8000", "1"}), error);
  EXPECT_EQ(Run({"BITFIELD", "k", "SET", "u63", "#9223372036854775807", "1"}), error);
  Run({"SET", "a", std::string(20, 'a')});
  EXPECT_EQ(Run({"LCS", "a", "a", "LEN"}),
            "-ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len\r\n");
  options_->max_value_bytes = 21 * 21 * 4;
  EXPECT_EQ(Run({"LCS", "a", "a", "LEN"}), ":20\r\n");
}

TEST_F(KvBitTest, ReadsAtALocalReportExpiredKeys) {
  Run({"SET", "k", "x", "PX", "100"});
  pair_.now_ms += 1000;
  EXPECT_EQ(Run({"GETBIT", "k", "1"}), ":0\r\n") << "the global deletes it";
  EXPECT_EQ(pair_.EffectText(), "del k");
}

TEST_F(KvBitTest, RandomBitfieldsAgreeWithAModel) {
  std::mt19937_64 random(11);
  std::string model;
  for (int round = 0; round < 3000; ++round) {
    const bool is_signed = random() % 2 != 0;
    const kv::FieldType type{is_signed, 1 + static_cast<int>(random() % (is_signed ? 64 : 63))};
    const uint64_t offset = random() % 300;
    const auto value = static_cast<int64_t>(random()) >> random() % 64;
    const int overflow = static_cast<int>(random() % 3);
    const bool adds = random() % 2 != 0;
    const char* words[] = {"WRAP", "SAT", "FAIL"};
    const std::string reply =
        Run({"BITFIELD", "k", "OVERFLOW", words[overflow], adds ? "INCRBY" : "SET",
             (is_signed ? "i" : "u") + std::to_string(type.bits), std::to_string(offset),
             std::to_string(value)});

    const size_t needed = (offset + static_cast<uint64_t>(type.bits) - 1) / 8 + 1;
    if (model.size() < needed) model.resize(needed, '\0');
    const int64_t before = kv::ReadField(model, offset, type);
    int64_t after = 0;
    std::string expected = "*1\r\n$-1\r\n";
    if (kv::AddToField(type, static_cast<kv::Overflow>(overflow), adds ? before : value,
                       adds ? value : 0, &after)) {
      kv::WriteField(model.data(), offset, type, after);
      expected = "*1\r\n:" + std::to_string(adds ? after : before) + "\r\n";
    }
    ASSERT_EQ(reply, expected) << round;
    ASSERT_EQ(Run({"GET", "k"}), "$" + std::to_string(model.size()) + "\r\n" + model + "\r\n");
  }
}

TEST_F(KvBitTest, RandomCommandsKeepTheMembersEqual) {
  std::mt19937_64 random(12);
  const auto key = [&random] { return "k" + std::to_string(random() % 6); };
  const auto number = [&random](uint64_t n) { return std::to_string(random() % n); };
  for (int round = 0; round < 4000; ++round) {
    pair_.now_ms += static_cast<int64_t>(random() % 20);
    switch (random() % 9) {
      case 0:
        Run({"SETBIT", key(), number(4000), number(2)});
        break;
      case 1:
        Run({"GETBIT", key(), number(4000)});
        break;
      case 2:
        Run({"BITCOUNT", key(), number(100), number(600), "BIT"});
        break;
      case 3:
        Run({"BITPOS", key(), number(2), number(60)});
        break;
      case 4: {
        const char* operations[] = {"AND", "OR", "XOR"};
        Run({"BITOP", operations[random() % 3], key(), key(), key(), key()});
        break;
      }
      case 5:
        Run({"BITOP", "NOT", key(), key()});
        break;
      case 6:
        Run({"SET", key(), number(1000000), "PX", std::to_string(1 + random() % 300)});
        break;
      case 7:
        Run({"BITFIELD", key(), "INCRBY", "i5", "#" + number(900), number(40)});
        break;
      default:
        Run({"LCS", key(), key(), "IDX", "WITHMATCHLEN", "MINMATCHLEN", number(3)});
    }
  }
}

}  // namespace
}  // namespace understudy::targets
