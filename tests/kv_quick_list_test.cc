#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <random>
#include <string>
#include <vector>

#include "targets/kv/quick_list.h"

namespace understudy::targets::kv {
namespace {

using Cursor = QuickList::Cursor;
using End = QuickList::End;

std::string TextAt(const QuickList& list, Cursor at) {
  Element::Digits digits;
  return std::string(list.Get(at).Text(&digits));
}

void ExpectEqual(const QuickList& list, const std::deque<std::string>& model) {
  ASSERT_EQ(list.size(), model.size());
  std::deque<std::string> forward, backward;
  for (Cursor at = list.First(); at; at = list.Next(at)) forward.push_back(TextAt(list, at));
  for (Cursor at = list.Last(); at; at = list.Previous(at)) backward.push_front(TextAt(list, at));
  ASSERT_EQ(forward, model);
  ASSERT_EQ(backward, model);
}

std::string RandomText(std::mt19937_64* random) {
  switch ((*random)() % 5) {
    case 0:
      return std::to_string(static_cast<int64_t>((*random)()) >> ((*random)() % 64));
    case 1:
      return std::string((*random)() % 120, static_cast<char>('a' + (*random)() % 26));
    case 2:
      return (*random)() % 20 == 0 ? std::string(200 + (*random)() % 400, 'P') : "p";
    default:
      return "e" + std::to_string((*random)() % 20);
  }
}

// Parameters of the two limits: nodes by count and by bytes.
class QuickListModel : public testing::TestWithParam<int> {};

TEST_P(QuickListModel, DoesWhatADequeDoes) {
  NodeLimit limit = NodeLimit::FromParameter(GetParam(), 300);
  if (GetParam() < 0) limit.bytes = 256;  // many nodes
  std::mt19937_64 random(static_cast<uint64_t>(GetParam() + 100));
  QuickList list;
  std::deque<std::string> model;
  for (int step = 0; step < 6000; ++step) {
    const std::string text = RandomText(&random);
    const Element element(text);
    const size_t index = model.empty() ? 0 : random() % model.size();
    const auto place = model.begin() + static_cast<ptrdiff_t>(index);
    switch (random() % (model.size() > 300 ? 12 : 9)) {
      case 0:
      case 1:
        list.Push(End::kBack, element, limit);
        model.push_back(text);
        break;
      case 2:
        list.Push(End::kFront, element, limit);
        model.push_front(text);
        break;
      case 3:
      case 4:
        list.Insert(list.Seek(index), element, limit);
        model.insert(model.empty() ? model.begin() : place, text);
        break;
      case 5:
        if (model.empty()) break;
        list.Replace(list.Seek(index), element, limit);
        *place = text;
        break;
      case 6:
        if (model.empty()) break;
        list.Pop(End::kFront);
        model.pop_front();
        break;
      case 7: {
        if (model.empty()) break;
        const Cursor next = list.Erase(list.Seek(index));
        const auto behind = model.erase(place);
        ASSERT_EQ(static_cast<bool>(next), behind != model.end());
        if (next) {
          ASSERT_EQ(TextAt(list, next), *behind);
        }
        break;
      }
      case 8: {
        if (model.empty()) break;
        ASSERT_EQ(TextAt(list, list.Seek(index)), model[index]);
        ASSERT_TRUE(list.Equals(list.Seek(index), Element(model[index])));
        ASSERT_EQ(list.Equals(list.Seek(index), element), model[index] == text);
        break;
      }
      default: {
        const size_t count = random() % (random() % 8 == 0 ? 200 : 5);
        const size_t erased = std::min(count, model.size() - index);
        list.EraseRange(index, count);
        model.erase(place, place + static_cast<ptrdiff_t>(erased));
      }
    }
    if (step % 16 == 0) ExpectEqual(list, model);
  }
  ExpectEqual(list, model);
  EXPECT_FALSE(list.Seek(model.size()));
  ExpectEqual(*list.Copy(), model);
}

INSTANTIATE_TEST_SUITE_P(Limits, QuickListModel, testing::Values(1, 2, 5, 128, -1, -2));

TEST(QuickList, FillsNodesUpToTheirLimit) {
  const NodeLimit limit = NodeLimit::FromParameter(-2, 1 << 30);
  EXPECT_EQ(limit.bytes, 8192u);
  QuickList list;
  for (int i = 0; i < 10000; ++i)
    list.Push(End::kBack, Element(std::string_view("0123456789abcdef")), limit);
  // 18 bytes an element.
  EXPECT_LE(list.nodes(), 23u);
  size_t nodes = 0, elements = 0;
  list.ForEachNode([&](bool plain, std::string_view bytes) {
    EXPECT_FALSE(plain);
    EXPECT_LE(bytes.size(), limit.bytes);
    size_t count = 0;
    EXPECT_TRUE(PackedList::Validate(bytes, &count));
    ++nodes;
    elements += count;
  });
  EXPECT_EQ(nodes, list.nodes());
  EXPECT_EQ(elements, 10000u);
}

TEST(QuickList, LimitsAreThoseOfTheParameter) {
  EXPECT_EQ(NodeLimit::FromParameter(-1, 0).bytes, 4096u);
  EXPECT_EQ(NodeLimit::FromParameter(-5, 0).bytes, 65536u);
  EXPECT_EQ(NodeLimit::FromParameter(-99, 0).bytes, 65536u);
  EXPECT_EQ(NodeLimit::FromParameter(0, 0).count, 1u);
  EXPECT_EQ(NodeLimit::FromParameter(7, 0).count, 7u);
  EXPECT_EQ(NodeLimit::FromParameter(7, 0).bytes, NodeLimit::kSafeBytes);
}

TEST(QuickList, IsFreedInSteps) {
  const NodeLimit limit = NodeLimit::FromParameter(3, 1 << 30);
  QuickList list;
  for (int i = 0; i < 100; ++i) list.Push(End::kBack, Element(int64_t{i}), limit);
  EXPECT_EQ(list.nodes(), 34u);
  EXPECT_FALSE(list.FreeSome(30));
  EXPECT_EQ(list.nodes(), 4u);
  EXPECT_EQ(list.size(), 10u);
  EXPECT_TRUE(list.FreeSome(30));
  EXPECT_EQ(list.size(), 0u);
}

}  // namespace
}  // namespace understudy::targets::kv
