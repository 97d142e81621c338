#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "targets/kv/packed_list.h"

namespace understudy::targets::kv {
namespace {

using Position = PackedList::Position;

class PackedListTest : public testing::Test {
 protected:
  ~PackedListTest() override { list.Free(); }

  std::string TextAt(Position at) const {
    Element::Digits digits;
    return std::string(list.Get(at).Text(&digits));
  }
  std::vector<std::string> Forward() const {
    std::vector<std::string> texts;
    for (Position at = list.First(); at != PackedList::kNone; at = list.Next(at)) {
      texts.push_back(TextAt(at));
    }
    return texts;
  }
  std::vector<std::string> Backward() const {
    std::vector<std::string> texts;
    for (Position at = list.Last(); at != PackedList::kNone; at = list.Previous(at)) {
      texts.push_back(TextAt(at));
    }
    std::reverse(texts.begin(), texts.end());
    return texts;
  }
  void ExpectValid(size_t expected) const {
    size_t count = 0;
    ASSERT_TRUE(PackedList::Validate(list.bytes_view(), &count));
    EXPECT_EQ(count, expected);
    EXPECT_EQ(list.size(), expected);
  }
  PackedList list = PackedList::New();
};

std::string Bytes(std::initializer_list<int> bytes) {
  std::string text;
  for (int byte : bytes) text.push_back(static_cast<char>(byte));
  return text;
}

TEST_F(PackedListTest, WritesTheFormatOfListpack) {
  EXPECT_EQ(list.bytes_view(), Bytes({7, 0, 0, 0, 0, 0, 0xff}));
  list.Append(Element(std::string_view("5")));
  list.Append(Element(std::string_view("abc")));
  list.Append(Element(std::string_view("-1")));
  list.Append(Element(std::string_view("4096")));
  EXPECT_EQ(list.bytes_view(), Bytes({7 + 2 + 5 + 3 + 4,
                                      0,
                                      0,
                                      0,
                                      4,
                                      0,  //
                                      5,
                                      1,  //
                                      0x83,
                                      'a',
                                      'b',
                                      'c',
                                      4,  //
                                      0xdf,
                                      0xff,
                                      2,  //
                                      0xf1,
                                      0x00,
                                      0x10,
                                      3,
                                      0xff}));
}

TEST_F(PackedListTest, SizesBehindAnEntryTakeAsManyBytesAsInRedis) {
  // Entry sizes around each bound; a text of n bytes from 4096 on takes 5 + n.
  struct Case {
    size_t text, back;
  };
  for (const Case& each :
       {Case{62, 1}, Case{63, 1}, Case{64, 1}, Case{125, 1}, Case{126, 2}, Case{4095, 2},
        Case{4096, 2}, Case{16377, 2}, Case{16378, 3}, Case{2097145, 3}, Case{2097146, 4}}) {
    list.Clear();
    const std::string text(each.text, 'x');
    list.Append(Element(text));
    const size_t head = each.text < 64 ? 1 : each.text < 4096 ? 2 : 5;
    EXPECT_EQ(list.bytes(), PackedList::kEmptyBytes + head + each.text + each.back) << each.text;
    list.Append(Element(std::string_view("end")));
    EXPECT_EQ(TextAt(list.Previous(list.Last())), text);
    ExpectValid(2);
  }
}

TEST_F(PackedListTest, KeepsEveryIntegerAsOne) {
  std::vector<int64_t> numbers;
  for (int shift = 0; shift < 64; ++shift) {
    const auto power = static_cast<int64_t>(uint64_t{1} << shift);
    for (int64_t near : {-2, -1, 0, 1, 2}) {
      const auto number =
          static_cast<int64_t>(static_cast<uint64_t>(power) + static_cast<uint64_t>(near));
      numbers.push_back(number);
      numbers.push_back(static_cast<int64_t>(-static_cast<uint64_t>(number)));
    }
  }
  for (int64_t number : numbers) list.Append(Element(std::to_string(number)));
  ExpectValid(numbers.size());
  Position at = list.First();
  for (int64_t number : numbers) {
    ASSERT_TRUE(list.Get(at).IsInteger()) << number;
    EXPECT_EQ(list.Get(at).integer(), number);
    at = list.Next(at);
  }
}

TEST_F(PackedListTest, KeepsTextsThatOnlyLookLikeIntegers) {
  const std::vector<std::string> texts = {"",
                                          "-",
                                          "-0",
                                          "+1",
                                          "01",
                                          "1 ",
                                          " 1",
                                          "1.0",
                                          "1a",
                                          "--1",
                                          "9223372036854775808",
                                          "-9223372036854775809",
                                          "00000000000000000001"};
  for (const std::string& text : texts) list.Append(Element(text));
  EXPECT_EQ(Forward(), texts);
  for (Position at = list.First(); at != PackedList::kNone; at = list.Next(at)) {
    EXPECT_FALSE(list.Get(at).IsInteger());
  }
}

TEST_F(PackedListTest, FindsInStepsAndOnlyWholeElements) {
  for (const char* text : {"a", "b", "b", "a", "12", "ab", "7"})
    list.Append(Element(std::string_view(text)));
  const auto find = [this](std::string_view text, size_t from, size_t step) {
    const Position found = list.Find(list.Seek(from), Element(text), step);
    size_t index = 0;
    for (Position at = list.First(); at != found && at != PackedList::kNone; at = list.Next(at)) {
      ++index;
    }
    return found == PackedList::kNone ? -1 : static_cast<int>(index);
  };
  EXPECT_EQ(find("b", 0, 1), 1);
  EXPECT_EQ(find("b", 0, 2), 2);
  EXPECT_EQ(find("a", 1, 2), 3);
  EXPECT_EQ(find("12", 0, 1), 4);
  EXPECT_EQ(find("12", 0, 3), -1);
  EXPECT_EQ(find("1", 0, 1), -1);
  EXPECT_EQ(find("ab", 0, 1), 5);
  EXPECT_EQ(find("7", 6, 5), 6);
  EXPECT_EQ(list.Find(PackedList::kNone, Element(std::string_view("a"))), PackedList::kNone);
}

TEST_F(PackedListTest, CountsBeyondWhatTheHeaderHolds) {
  for (int i = 0; i < 65534; ++i) list.Append(Element(int64_t{i % 100}));
  EXPECT_EQ(list.size(), 65534u);
  for (int i = 0; i < 10; ++i) list.Append(Element(int64_t{1}));
  ExpectValid(65544);
  EXPECT_EQ(TextAt(list.Seek(65534)), "1");
  list.Erase(list.First(), 20);
  ExpectValid(65524);
  list.Append(Element(int64_t{3}));
  ExpectValid(65525);
}

TEST_F(PackedListTest, DoesWhatAVectorDoes) {
  std::mt19937_64 random(1);
  std::vector<std::string> model;
  const auto random_text = [&random]() -> std::string {
    switch (random() % 6) {
      case 0:
        return std::to_string(static_cast<int64_t>(random()) >> (random() % 64));
      case 1:
        return std::string(random() % 300, static_cast<char>('a' + random() % 26));
      case 2:
        return random() % 50 == 0 ? std::string(random() % 20000, 'L') : "x";
      default:
        return std::to_string(random() % 200);
    }
  };
  for (int step = 0; step < 20000; ++step) {
    const std::string text = random_text();
    const size_t index = model.empty() ? 0 : random() % model.size();
    switch (random() % (model.size() > 60 ? 10 : 7)) {
      case 0:
        list.Append(Element(text));
        model.push_back(text);
        break;
      case 1:
        list.Prepend(Element(text));
        model.insert(model.begin(), text);
        break;
      case 2:
        if (model.empty()) break;
        list.InsertBefore(list.Seek(index), Element(text));
        model.insert(model.begin() + static_cast<ptrdiff_t>(index), text);
        break;
      case 3:
        if (model.empty()) break;
        list.Replace(list.Seek(index), Element(text));
        model[index] = text;
        break;
      case 4: {
        const Position found = list.Find(list.First(), Element(text));
        const auto expected = std::find(model.begin(), model.end(), text);
        ASSERT_EQ(found == PackedList::kNone, expected == model.end());
        if (found != PackedList::kNone) {
          ASSERT_EQ(found, list.Seek(static_cast<size_t>(expected - model.begin())));
        }
        break;
      }
      case 5: {
        if (model.empty()) break;
        PackedList tail = list.SplitOff(list.Seek(index));
        ASSERT_EQ(list.size(), index);
        list.AppendAll(tail);
        tail.Free();
        break;
      }
      default: {
        if (model.empty()) break;
        const size_t count = 1 + random() % 4;
        const size_t erased = std::min(count, model.size() - index);
        const Position behind = list.Erase(list.Seek(index), count);
        model.erase(model.begin() + static_cast<ptrdiff_t>(index),
                    model.begin() + static_cast<ptrdiff_t>(index + erased));
        ASSERT_EQ(behind == PackedList::kNone, index == model.size());
        if (behind != PackedList::kNone) {
          ASSERT_EQ(TextAt(behind), model[index]);
        }
      }
    }
    if (step % 16 == 0) {
      ASSERT_EQ(Forward(), model);
      ASSERT_EQ(Backward(), model);
      ExpectValid(model.size());
    }
  }
}

TEST_F(PackedListTest, DamagedBytesAreRefused) {
  for (const char* text : {"1", "abc", "5000", "-100000", "3000000000"}) {
    list.Append(Element(std::string_view(text)));
  }
  list.Append(Element(std::string(100, 'x')));
  list.Append(Element(std::string(5000, 'y')));
  const std::string good(list.bytes_view());
  size_t count = 0;
  ASSERT_TRUE(PackedList::Validate(good, &count));
  for (size_t size = 0; size < good.size(); ++size) {
    EXPECT_FALSE(PackedList::Validate(std::string_view(good).substr(0, size), &count)) << size;
  }
  // What is accepted after any change of a byte can be walked without leaving the block.
  std::mt19937_64 random(2);
  size_t accepted = 0;
  for (int i = 0; i < 20000; ++i) {
    std::string damaged = good;
    const size_t at = random() % 3 == 0 ? random() % damaged.size() : random() % 160;
    damaged[at] = static_cast<char>(random());
    if (!PackedList::Validate(damaged, &count)) continue;
    ++accepted;
    PackedList copy = PackedList::FromBytes(damaged);
    size_t walked = 0;
    for (Position p = copy.First(); p != PackedList::kNone; p = copy.Next(p)) ++walked;
    EXPECT_EQ(walked, count);
    for (Position p = copy.Last(); p != PackedList::kNone; p = copy.Previous(p)) --walked;
    EXPECT_EQ(walked, 0u);
    copy.Free();
  }
  EXPECT_GT(accepted, 0u);
}

TEST(PackedList, FindsAnIntegerKeptAsText) {
  // "5" as a text of one byte, as only another program would write it.
  PackedList list = PackedList::FromBytes(Bytes({10, 0, 0, 0, 1, 0, 0x81, '5', 2, 0xff}));
  size_t count = 0;
  ASSERT_TRUE(PackedList::Validate(list.bytes_view(), &count));
  EXPECT_NE(list.Find(list.First(), Element(int64_t{5})), PackedList::kNone);
  EXPECT_TRUE(list.Equals(list.First(), Element(std::string_view("5"))));
  list.Free();
}

}  // namespace
}  // namespace understudy::targets::kv
