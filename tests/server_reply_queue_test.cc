#include "server/reply_queue.h"

#include <gtest/gtest.h>

namespace understudy::server {
namespace {

std::string TakeReady(ReplyQueue* queue) {
  std::string bytes = queue->ready().substr(queue->ready_offset());
  queue->Sent(bytes.size());
  return bytes;
}

void Add(ReplyQueue* queue, const std::string& text, Gate gate, cluster::Index commit,
         uint64_t turn = 1) {
  *queue->Begin() += text;
  queue->End(gate, commit, 0, turn);
}

TEST(ReplyQueueTest, OpenRepliesAreReadyAtOnce) {
  ReplyQueue queue;
  Add(&queue, "a", Gate{}, 0);
  Add(&queue, "b", Gate{5, 0}, 5);
  EXPECT_FALSE(queue.waiting());
  EXPECT_EQ(TakeReady(&queue), "ab");
  EXPECT_EQ(queue.bytes(), 0u);
}

TEST(ReplyQueueTest, WhatIsBehindAClosedGateWaitsToo) {
  ReplyQueue queue;
  Add(&queue, "a", Gate{7, 0}, 6);
  Add(&queue, "b", Gate{}, 6);
  EXPECT_EQ(queue.ready_bytes(), 0u);
  EXPECT_EQ(queue.bytes(), 2u);
  queue.Release(6, 0);
  EXPECT_EQ(queue.ready_bytes(), 0u);
  queue.Release(7, 0);
  EXPECT_EQ(TakeReady(&queue), "ab");
  EXPECT_FALSE(queue.waiting());
}

TEST(ReplyQueueTest, ALaterTurnsGateDoesNotHoldAnEarlierTurn) {
  ReplyQueue queue;
  Add(&queue, "a", Gate{7, 0}, 0, 1);
  Add(&queue, "b", Gate{9, 0}, 0, 2);
  EXPECT_EQ(queue.newest_gate(), 9u);
  queue.Release(7, 0);
  EXPECT_EQ(TakeReady(&queue), "a");
  EXPECT_TRUE(queue.waiting());
  queue.Release(9, 0);
  EXPECT_EQ(TakeReady(&queue), "b");
}

TEST(ReplyQueueTest, PlacesKeepTheOrder) {
  ReplyQueue queue;
  queue.Reserve(1);
  queue.Reserve(2);
  Add(&queue, "c", Gate{}, 0);
  EXPECT_EQ(queue.slots(), 2u);
  EXPECT_TRUE(queue.Fill(2, "b", Gate{}, 1));
  queue.Release(0, 0);
  EXPECT_EQ(queue.ready_bytes(), 0u);
  EXPECT_TRUE(queue.Fill(1, "a", Gate{3, 0}, 1));
  queue.Release(2, 0);
  EXPECT_EQ(queue.ready_bytes(), 0u);
  queue.Release(3, 0);
  EXPECT_EQ(TakeReady(&queue), "abc");
  EXPECT_EQ(queue.slots(), 0u);
  EXPECT_FALSE(queue.Fill(1, "again", Gate{}, 1));
  EXPECT_FALSE(queue.Fill(9, "never there", Gate{}, 1));
}

TEST(ReplyQueueTest, CancelForgetsOnlyTheLastReply) {
  ReplyQueue queue;
  Add(&queue, "a", Gate{}, 0);
  *queue.Begin() += "x";
  queue.Cancel();
  EXPECT_EQ(TakeReady(&queue), "a");
  Add(&queue, "b", Gate{4, 0}, 0);
  *queue.Begin() += "y";
  queue.Cancel();
  queue.Release(4, 0);
  EXPECT_EQ(TakeReady(&queue), "b");
  queue.Reserve(3);
  *queue.Begin() += "z";
  queue.Cancel();
  queue.Fill(3, "c", Gate{}, 1);
  queue.Release(4, 0);
  EXPECT_EQ(TakeReady(&queue), "c");
}

TEST(ReplyQueueTest, HoldTurnTakesBackWhatThisTurnMade) {
  ReplyQueue queue;
  queue.MarkTurn(1);
  Add(&queue, "sent before", Gate{}, 0, 1);
  TakeReady(&queue);
  queue.MarkTurn(2);
  Add(&queue, "read", Gate{}, 0, 2);
  Add(&queue, "write", Gate{5, 0}, 0, 2);
  queue.HoldTurn(11, 2);
  EXPECT_EQ(queue.ready_bytes(), 0u);
  queue.Release(5, 10);
  EXPECT_EQ(queue.ready_bytes(), 0u);
  queue.Release(5, 11);
  EXPECT_EQ(TakeReady(&queue), "readwrite");
}

TEST(ReplyQueueTest, HoldTurnLeavesUnsentBytesOfEarlierTurns) {
  ReplyQueue queue;
  queue.MarkTurn(1);
  Add(&queue, "old", Gate{}, 0, 1);
  queue.MarkTurn(2);
  Add(&queue, "new", Gate{}, 0, 2);
  queue.HoldTurn(3, 2);
  EXPECT_EQ(TakeReady(&queue), "old");
  queue.Release(0, 3);
  EXPECT_EQ(TakeReady(&queue), "new");
}

// Places stay true however replies are merged, split, held and rewritten.
TEST(ReplyQueueTest, RewriteReplacesRepliesThatHaveNotLeft) {
  ReplyQueue queue;
  queue.MarkTurn(1);
  Add(&queue, "ready", Gate{}, 0, 1);
  const ReplyPlace ready = queue.last_place();
  Add(&queue, "one", Gate{5, 0}, 0, 1);
  const ReplyPlace one = queue.last_place();
  Add(&queue, "two", Gate{6, 0}, 0, 1);
  Add(&queue, "three", Gate{7, 0}, 0, 1);
  const ReplyPlace three = queue.last_place();
  queue.Reserve(4);
  Add(&queue, "four", Gate{}, 0, 2);
  EXPECT_FALSE(queue.Holds(ready));
  EXPECT_TRUE(queue.Holds(one));
  EXPECT_EQ(queue.At(three), "three");
  const ReplyQueue::Edit first[] = {{three, 0, "3"}};
  queue.Rewrite(first, false);
  EXPECT_FALSE(queue.Holds(three));
  ASSERT_TRUE(queue.Holds(one));
  EXPECT_EQ(queue.At(one), "one");
  const ReplyQueue::Edit second[] = {{one, 9}};
  queue.Rewrite(second, true);
  EXPECT_EQ(queue.slots(), 2u);
  queue.Release(0, 0);
  EXPECT_EQ(TakeReady(&queue), "ready");
  queue.Fill(9, "ONE", Gate{}, 3);
  queue.Release(0, 0);
  EXPECT_EQ(TakeReady(&queue), "ONEtwo3");
  queue.Fill(4, "-", Gate{}, 3);
  queue.Release(0, 0);
  EXPECT_EQ(TakeReady(&queue), "-four");
  EXPECT_EQ(queue.bytes(), 0u);
}

TEST(ReplyQueueTest, RewriteFindsWhatWasHeldAtTheEndOfTheTurn) {
  ReplyQueue queue;
  queue.MarkTurn(1);
  Add(&queue, "before", Gate{}, 0, 1);
  queue.MarkTurn(2);
  Add(&queue, "a", Gate{}, 0, 2);
  Add(&queue, "read", Gate{}, 0, 2);
  const ReplyPlace read = queue.last_place();
  queue.HoldTurn(11, 2);
  ASSERT_TRUE(queue.Holds(read));
  EXPECT_EQ(queue.At(read), "read");
  const ReplyQueue::Edit edit[] = {{read, 0, ""}};
  queue.Rewrite(edit, true);
  queue.Release(0, 0);
  EXPECT_EQ(TakeReady(&queue), "beforea");
}

}  // namespace
}  // namespace understudy::server
