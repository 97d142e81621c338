#include "cluster/types.h"

#include <gtest/gtest.h>

#include <set>

#include "cluster/message.h"
#include "cluster/record.h"

namespace understudy::cluster {
namespace {

MemberInfo Member(char letter, MemberInfo::Kind kind) {
  return {NodeId(40, letter), std::string("node-") + letter, "127.0.0.1:7001", kind};
}

Configuration Three() {
  return {{Member('a', MemberInfo::Kind::kVoter), Member('b', MemberInfo::Kind::kLearner),
           Member('c', MemberInfo::Kind::kWitness)}};
}

LockState Sample() {
  LockState state;
  state.term = 300;
  state.granted_to = NodeId(40, 'a');
  state.granted_run = ~0ull;
  state.holder = NodeId(40, 'b');
  state.holder_run = 77;
  state.holder_term = 299;
  state.promised_nothing = true;
  state.configuration = Three();
  state.configuration_index = 1234567;
  return state;
}

TEST(Configuration, FindsMembersAndCountsVoters) {
  Configuration configuration = Three();
  EXPECT_EQ(configuration.VoterCount(), 1u);
  ASSERT_NE(configuration.Find(NodeId(40, 'b')), nullptr);
  EXPECT_EQ(configuration.Find(NodeId(40, 'b'))->name, "node-b");
  EXPECT_EQ(configuration.Find(NodeId(40, 'd')), nullptr);
  EXPECT_EQ(Configuration().Find(""), nullptr);
  EXPECT_EQ(Configuration().VoterCount(), 0u);
}

TEST(Configuration, DecodesWhatItEncoded) {
  Configuration big;
  for (size_t i = 0; i < kMaxMembers; ++i) {
    big.members.push_back(
        {std::to_string(i), std::string(kMaxMemberTextBytes, 'n'), "", MemberInfo::Kind::kVoter});
  }
  for (const Configuration& configuration : {Configuration(), Three(), big}) {
    Configuration read = Three();
    ASSERT_TRUE(Configuration::Decode(configuration.Encode(), &read));
    EXPECT_EQ(read, configuration);
  }
}

TEST(Configuration, RefusesDamageAndStaysAsItWas) {
  const std::string good = Three().Encode();
  std::vector<std::string> bad = {good + "x", std::string(1, 2) + good.substr(1)};
  for (size_t size = 0; size < good.size(); ++size) bad.push_back(good.substr(0, size));
  bad.push_back(good.substr(0, good.size() - 1) + "\x03");  // unknown kind
  Configuration twice = Three();
  twice.members[2].id = twice.members[0].id;
  bad.push_back(twice.Encode());
  std::string crowd("\x01\x81\x02", 3);  // 257 members
  for (int i = 0; i < 257; ++i) {
    crowd += std::string(1, 2) + static_cast<char>(i / 16 + 'A') + static_cast<char>(i % 16 + 'A') +
             std::string(3, '\0');
  }
  bad.push_back(crowd);
  Configuration long_name = Three();
  long_name.members[0].name.assign(kMaxMemberTextBytes + 1, 'n');
  bad.push_back(long_name.Encode());
  bad.push_back(std::string("\x01\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 12) + "aa");
  for (const std::string& bytes : bad) {
    Configuration read = Three();
    EXPECT_FALSE(Configuration::Decode(bytes, &read));
    EXPECT_EQ(read, Three());
  }
}

TEST(LockState, DecodesWhatItEncoded) {
  LockState quarantined = Sample();
  quarantined.quarantined = true;
  quarantined.promised_nothing = false;
  for (const LockState& state : {LockState(), Sample(), quarantined}) {
    LockState read = Sample();
    ASSERT_TRUE(LockState::Decode(state.Encode(), &read));
    EXPECT_EQ(read, state);
  }
}

TEST(LockState, EveryFlippedBitAndEveryCutIsFound) {
  const std::string good = Sample().Encode();
  LockState read;
  for (size_t at = 0; at < good.size(); ++at) {
    EXPECT_FALSE(LockState::Decode(good.substr(0, at), &read)) << at;
    for (int bit = 0; bit < 8; ++bit) {
      std::string bad = good;
      bad[at] = static_cast<char>(bad[at] ^ (1 << bit));
      EXPECT_FALSE(LockState::Decode(bad, &read)) << at << "/" << bit;
    }
  }
  EXPECT_FALSE(LockState::Decode(good + "x", &read));
  EXPECT_EQ(read, LockState());
}

TEST(LockState, UnknownFlagsAndVersionsAreRefused) {
  auto reseal = [](std::string bytes) {
    bytes.resize(bytes.size() - 4);
    uint32_t crc = Crc32c(bytes);
    for (int i = 0; i < 4; ++i) bytes.push_back(static_cast<char>(crc >> (8 * i)));
    return bytes;
  };
  // version, term, granted_to, granted_run, holder, holder_run, holder_term, flags
  std::string bytes = LockState().Encode();
  LockState read;
  ASSERT_TRUE(LockState::Decode(reseal(bytes), &read));
  std::string flagged = bytes;
  flagged[7] = 4;
  EXPECT_FALSE(LockState::Decode(reseal(flagged), &read));
  flagged[7] = 3;
  ASSERT_TRUE(LockState::Decode(reseal(flagged), &read));
  EXPECT_TRUE(read.promised_nothing && read.quarantined);
  bytes[0] = 2;
  EXPECT_FALSE(LockState::Decode(reseal(bytes), &read));
}

TEST(Message, EveryTypeHasANameOfItsOwn) {
  std::set<std::string> names;
  constexpr int kLast = static_cast<int>(Message::Type::kSnapshotDone);
  for (int type = 0; type <= kLast; ++type) {
    names.insert(ToString(static_cast<Message::Type>(type)));
  }
  EXPECT_EQ(names.size(), static_cast<size_t>(kLast) + 1);
  EXPECT_EQ(names.count("unknown"), 0u);
}

}  // namespace
}  // namespace understudy::cluster
