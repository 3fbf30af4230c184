#include "conformance/threads.hpp"

#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "conformance/rule.hpp"

namespace davit::conformance {

void together(int count, const std::function<void(int)>& work) {
    std::vector<std::thread> threads;
    std::mutex mutex;
    std::string failure;
    for (int i = 0; i < count; ++i)
        threads.emplace_back([&, i] {
            try {
                work(i);
            } catch (const std::exception& e) {  // a thread's entry
                const std::lock_guard lock(mutex);
                if (failure.empty()) failure = e.what();
            }
        });
    for (std::thread& thread : threads) thread.join();
    expect(failure.empty(), failure);
}

}  // namespace davit::conformance
