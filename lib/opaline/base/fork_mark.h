#pragma once

namespace opaline {

/// Tells a process from those forked from it: set when it is made, and not set in a forked process until that
/// sets it for itself. The kernel takes it away (madvise(2), MADV_WIPEONFORK), so it is right where process
/// numbers are not: they are used again, and every container has a first process of its own.
///
/// Whoever sets it while others look must keep them apart.
class ForkMark {
 public:
  /// Error(io) where the kernel cannot do that (Linux before 4.14).
  ForkMark();
  ForkMark(const ForkMark&) = delete;
  ForkMark& operator=(const ForkMark&) = delete;
  ~ForkMark();

  bool is_set() const { return *mark_ != 0; }
  void set() { *mark_ = 1; }

 private:
  unsigned char* mark_;
};

}  // namespace opaline
