// C++ on the CPU: FOLDER VARIANT SECONDS. Compiled with -DFACTORS=40 -O3 -march=native -pthread, variant `fast` also with
// -ffast-math, which makes whole vectors of the sums, exponentials, roots and divisions.
//
// Dense Adam in float32: at every step each row decays, and moves by its momentum, whether the batch has a rating of it or not.
//   z = p_u . p_i + b_u + b_i    yHat = lo + (hi - lo) sigmoid(z)    loss = mean (yHat - y)^2
//   m = beta1 m + (1 - beta1) g    v = beta2 v + (1 - beta2) g^2
//   p = (1 - lr wd) p - lr / (1 - beta1^t) m / (sqrt(v / (1 - beta2^t)) + eps)
// What is kept is s = sqrt(v), so that only a row with a gradient needs a root; a row without one does not read the gradient.
// Factors and biases are tables of their own: a row of 40 floats is whole vectors, and the compiler knows its length.
// With threads, a thread owns every other block of rows, and alone writes these. It is as many threads as are faster.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <limits>
#include <memory>
#include <new>
#include <string>
#include <thread>
#include <vector>

constexpr int D = FACTORS;
constexpr int LINE = 64;
// Rows of a block, which has one owner.
constexpr uint32_t BLOCK_BITS = 4;
constexpr double WARM_UP_SECONDS = 0.25;
constexpr int FEWEST_STEPS = 16;

static double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// Floats that begin on a cache line.
struct Floats {
  explicit Floats(size_t n) : size(n), data(static_cast<float*>(std::aligned_alloc(LINE, (n * 4 + LINE) / LINE * LINE)), std::free) {
    if (!data) throw std::bad_alloc();
    fill(0);
  }
  void fill(float x) { std::fill_n(data.get(), size, x); }
  float& operator[](size_t i) { return data.get()[i]; }
  float* at(size_t i) { return data.get() + i; }

  size_t size;
  std::unique_ptr<float, void (*)(void*)> data;
};

// The work that dotbias wrote: the numbers of work.json by name, and views of the arrays in work.bin.
struct Work {
  explicit Work(const std::string& folder) : json(read(folder + "/work.json")), bin(read(folder + "/work.bin")) {
    const char* range = after(json.c_str(), "yRange") + 1;
    char* rest;
    lo = std::strtof(range, &rest);
    hi = std::strtof(rest + 1, nullptr);
    batch = number("batchSize"), steps = number("nSteps"), nUsers = number("nUsers"), nRows = nUsers + number("nItems");
    wd = number("wd"), beta2 = number("beta2"), eps = number("eps");
    if (number("nFactors") != D) fail("Error: compiled for another number of factors");
    lr = array<double>("lr"), beta1 = array<double>("beta1"), initial = array<float>("initial"), order = array<uint32_t>("order");
    users = array<uint32_t>("users"), items = array<uint32_t>("items"), ratings = array<float>("ratings");
    validUsers = array<uint32_t>("validUsers"), validItems = array<uint32_t>("validItems");
    validRatings = array<float>("validRatings"), nValid = std::strtod(after(after(arrays(), "validRatings"), "length"), nullptr);
  }

  [[noreturn]] static void fail(const std::string& why) {
    std::fprintf(stderr, "%s\n", why.c_str());
    std::exit(1);
  }
  static std::string read(const std::string& path) {
    std::ifstream file(path, std::ios::binary | std::ios::ate);
    if (!file) fail("Error: cannot read " + path);
    std::string bytes(size_t(file.tellg()), 0);
    file.seekg(0).read(bytes.data(), bytes.size());
    return bytes;
  }
  static const char* after(const char* text, const char* name) {
    const std::string key = '"' + std::string(name) + "\":";
    const char* found = std::strstr(text, key.c_str());
    if (!found) fail("Error: work.json has no " + std::string(name));
    return found + key.size();
  }
  const char* arrays() const { return after(json.c_str(), "arrays"); }
  double number(const char* name) const { return std::strtod(after(json.c_str(), name), nullptr); }
  template <class T> const T* array(const char* name) const {
    return reinterpret_cast<const T*>(bin.data() + size_t(std::strtod(after(after(arrays(), name), "offset"), nullptr)));
  }

  std::string json, bin;
  size_t batch, steps, nValid;
  uint32_t nUsers, nRows;
  float lo, hi;
  double wd, beta2, eps;
  const double *lr, *beta1;
  const float *initial, *ratings, *validRatings;
  const uint32_t *order, *users, *items, *validUsers, *validItems;
};

// All threads meet here; the memory that one wrote before is seen by all after.
class Meeting {
 public:
  explicit Meeting(int n) : n(n) {}
  void wait() {
    if (n == 1) return;
    const unsigned round = rounds.load(std::memory_order_relaxed);
    if (arrived.fetch_add(1, std::memory_order_acq_rel) == n - 1) {
      arrived.store(0, std::memory_order_relaxed);
      rounds.store(round + 1, std::memory_order_release);
    } else {
      for (int spins = 0; rounds.load(std::memory_order_acquire) == round; spins++) {
        if (spins > 2000) std::this_thread::yield();
      }
    }
  }

 private:
  const int n;
  alignas(LINE) std::atomic<int> arrived{0};
  alignas(LINE) std::atomic<unsigned> rounds{0};
};

// The numbers of a step of Adam.
struct Rates {
  Rates(const Work& w, size_t k)
      : beta1(w.beta1[k]), beta2(w.beta2), rootBeta2(std::sqrt(w.beta2)), decay(1 - w.lr[k] * w.wd), eps(w.eps),
        stepSize(w.lr[k] / (1 - std::pow(w.beta1[k], k + 1.0))), vScale(1 / std::sqrt(1 - std::pow(w.beta2, k + 1.0))) {}
  float beta1, beta2, rootBeta2, decay, eps, stepSize, vScale;
};

// N parameters without a gradient.
template <int N> static void idle(const Rates& r, float* __restrict p, float* __restrict m, float* __restrict s) {
  for (int f = 0; f < N; f++) {
    m[f] *= r.beta1;
    s[f] *= r.rootBeta2;
    p[f] = r.decay * p[f] - r.stepSize * m[f] / (s[f] * r.vScale + r.eps);
  }
}

// N parameters with a gradient, which becomes zero again.
template <int N>
static void adam(const Rates& r, float* __restrict p, float* __restrict m, float* __restrict s, float* __restrict g) {
  for (int f = 0; f < N; f++) {
    m[f] = r.beta1 * m[f] + (1 - r.beta1) * g[f];
    s[f] = std::sqrt(r.beta2 * s[f] * s[f] + (1 - r.beta2) * g[f] * g[f]);
    p[f] = r.decay * p[f] - r.stepSize * m[f] / (s[f] * r.vScale + r.eps);
    g[f] = 0;
  }
}

class Trainer {
 public:
  explicit Trainer(const Work& w)
      : w(w), p(w.nRows * D), m(p.size), s(p.size), g(p.size), pb(w.nRows), mb(w.nRows), sb(w.nRows), gb(w.nRows), dz(w.batch),
        y(w.batch), users(w.batch), items(w.batch), touched(w.nRows) {}

  void reset() {
    for (Floats* moment : {&m, &s, &g, &mb, &sb, &gb}) moment->fill(0);
    std::fill(touched.begin(), touched.end(), 0);
    for (size_t row = 0; row < w.nRows; row++) {
      const float* from = w.initial + row * (D + 1);
      std::copy_n(from, D, p.at(row * D));
      pb[row] = from[D];
    }
  }

  // Makes steps on as many threads; adds their losses.
  void run(size_t first, size_t n, int threads, std::vector<double>& losses) {
    Meeting meeting(threads);
    std::vector<std::vector<double>> sums(threads, std::vector<double>(n));
    auto work = [&](int t) {
      for (size_t k = 0; k < n; k++) sums[t][k] = step(first + k, t, threads, meeting);
    };
    std::vector<std::thread> others;
    for (int t = 1; t < threads; t++) others.emplace_back(work, t);
    work(0);
    for (std::thread& other : others) other.join();
    for (size_t k = 0; k < n; k++) {
      double sum = 0;
      for (const auto& each : sums) sum += each[k];
      losses.push_back(sum / w.batch);
    }
  }

  double validMse() {
    double sum = 0;
    for (size_t k = 0; k < w.nValid; k++) {
      const float z = score(w.validUsers[k], w.nUsers + w.validItems[k]);
      const double e = w.lo + (w.hi - w.lo) / (1 + std::exp(-double(z))) - w.validRatings[k];
      sum += e * e;
    }
    return sum / w.nValid;
  }

 private:
  float score(size_t u, size_t i) {
    const float *pu = p.at(u * D), *pi = p.at(i * D);
    float z = 0;
    for (int f = 0; f < D; f++) z += pu[f] * pi[f];
    return z + pb[u] + pb[i];
  }

  // The share of thread t in step k; returns the sum of its squared errors.
  double step(size_t k, int t, int threads, Meeting& meeting) {
    const size_t begin = w.batch * t / threads, end = w.batch * (t + 1) / threads;
    gather(k, begin, end);
    const double loss = outcomes(begin, end);
    meeting.wait();
    scatter(t, threads);
    meeting.wait();
    update(Rates(w, k), t, threads);
    meeting.wait();
    return loss;
  }

  void gather(size_t k, size_t begin, size_t end) {
    const uint32_t* order = w.order + k * w.batch;
    for (size_t j = begin; j < end; j++) {
      users[j] = w.users[order[j]];
      items[j] = w.nUsers + w.items[order[j]];
      y[j] = w.ratings[order[j]];
    }
  }

  // dz of some ratings, d loss / d z
  double outcomes(size_t begin, size_t end) {
    for (size_t j = begin; j < end; j++) {
      if (j + 8 < end) __builtin_prefetch(p.at(size_t(users[j + 8]) * D)), __builtin_prefetch(p.at(size_t(items[j + 8]) * D));
      dz[j] = score(users[j], items[j]);
    }
    const float scale = w.hi - w.lo, mean = 2 * scale / w.batch, lo = w.lo;
    float *z = dz.at(0), *yj = y.at(0);
    double loss = 0;
    for (size_t from = begin; from < end; from += 256) {
      float sum = 0;
      for (size_t j = from; j < std::min(end, from + 256); j++) {
        const float sigmoid = 1 / (1 + std::exp(-z[j]));
        const float e = lo + scale * sigmoid - yj[j];
        sum += e * e;
        z[j] = mean * e * sigmoid * (1 - sigmoid);
      }
      loss += sum;
    }
    return loss;
  }

  void scatter(int t, int threads) {
    for (size_t j = 0; j < w.batch; j++) {
      const uint32_t u = users[j], i = items[j];
      if (owner(u, threads) == t) add(u, i, dz[j]);
      if (owner(i, threads) == t) add(i, u, dz[j]);
    }
  }

  void add(size_t row, size_t other, float dzj) {
    const float* __restrict from = p.at(other * D);
    float* __restrict to = g.at(row * D);
    for (int f = 0; f < D; f++) to[f] += dzj * from[f];
    gb[row] += dzj;
    touched[row] = 1;
  }

  void update(const Rates& r, int t, int threads) {
    for (size_t block = t; block << BLOCK_BITS < w.nRows; block += threads) {
      const size_t end = std::min<size_t>(w.nRows, (block + 1) << BLOCK_BITS);
      for (size_t row = block << BLOCK_BITS; row < end; row++) {
        const size_t at = row * D;
        if (touched[row]) adam<D>(r, p.at(at), m.at(at), s.at(at), g.at(at));
        else idle<D>(r, p.at(at), m.at(at), s.at(at));
        touched[row] = 0;
      }
      // A bias without a gradient has none to clear, either.
      for (size_t row = block << BLOCK_BITS; row < end; row++) adam<1>(r, pb.at(row), mb.at(row), sb.at(row), gb.at(row));
    }
  }

  static int owner(uint32_t row, int threads) { return threads == 1 ? 0 : (row >> BLOCK_BITS) % threads; }

  const Work& w;
  Floats p, m, s, g, pb, mb, sb, gb, dz, y;
  std::vector<uint32_t> users, items;
  std::vector<uint8_t> touched;
};

int main(int argc, char** argv) {
  const double started = now();
  if (argc < 4) Work::fail("Error: FOLDER VARIANT SECONDS");
  const Work work(argv[1]);
  const double budget = std::strtod(argv[3], nullptr);
  Trainer trainer(work);
  std::vector<double> losses;
  trainer.reset();
  trainer.run(0, std::min<size_t>(work.steps, 2), 1, losses);
  const double startSeconds = now() - started;

  const size_t chunk = std::min(work.steps, std::clamp<size_t>((1 << 18) / work.batch, 4, 256));
  const int all = std::max(1u, std::thread::hardware_concurrency());
  int threads = 1;
  double best = std::numeric_limits<double>::infinity();
  for (int tried = 1; tried <= all; tried = tried < all ? std::min(2 * tried, all) : all + 1) {
    for (const double since = now(); now() - since < WARM_UP_SECONDS;) {
      trainer.reset();
      const double begun = now();
      trainer.run(0, chunk, tried, losses);
      const double seconds = now() - begun;
      if (seconds < best) best = seconds, threads = tried;
    }
  }

  trainer.reset();
  losses.clear();
  const double begun = now();
  while (losses.size() < work.steps && (losses.size() < FEWEST_STEPS || now() - begun < budget))
    trainer.run(losses.size(), std::min(chunk, work.steps - losses.size()), threads, losses);
  const double seconds = now() - begun;

  std::printf("{\"device\":\"%s, %d thread(s)\",\"nSteps\":%zu,\"seconds\":%.9g,\"startSeconds\":%.9g,\"mse\":", "C++ " __VERSION__,
              threads, losses.size(), seconds, startSeconds);
  if (losses.size() == work.steps) std::printf("%.9g", trainer.validMse());
  else std::printf("null");
  const char* separator = ",\"losses\":[";
  for (double loss : losses) std::printf("%s%.9g", separator, loss), separator = ",";
  std::printf("]}\n");
}
