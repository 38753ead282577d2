#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

namespace opaline {

/// The open connections of a server: their number is bounded, each has a thread, and any of them can be made
/// to end from outside.
class Connections {
 public:
  explicit Connections(std::size_t most) : most_(most) {}
  Connections(const Connections&) = delete;
  Connections& operator=(const Connections&) = delete;
  ~Connections() { stop(std::chrono::milliseconds(0)); }

  class Place;

  /// Runs `work` for the socket in a thread of its own. False if all places are taken by connections that are
  /// at work, or none are given any more. One thread at a time.
  bool start(int socket, std::function<void(Place&)> work);

  std::size_t count() const;
  bool stopping() const;

  /// Ends idle connections now and the others when their request is done, or after `patience`.
  void stop(std::chrono::milliseconds patience);

  /// What a connection's thread has to say.
  class Place {
   public:
    /// Between two requests; false if the connection should end instead.
    bool rest();
    /// A request has begun.
    void work();
    /// The socket is about to be closed: nobody may touch it any more.
    void leave();

    bool stopping() const { return all_.stopping(); }

   private:
    friend class Connections;
    Place(Connections& all, std::uint64_t id) : all_(all), id_(id) {}
    Connections& all_;
    std::uint64_t id_;
  };

 private:
  struct Entry {
    int socket = -1;
    bool idle = true;
    std::chrono::steady_clock::time_point since;
    std::thread thread;
  };

  void end_longest_idle();
  void join_finished();

  std::size_t most_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t next_ = 0;
  bool stopping_ = false;
  std::map<std::uint64_t, Entry> entries_;
  std::vector<std::thread> finished_;
};

}  // namespace opaline
