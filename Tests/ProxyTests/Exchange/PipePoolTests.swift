import CLinux
import Glibc
import Testing

@testable import Proxy

@Suite("Pipes")
struct PipePoolTests {
    private func isOpen(_ descriptor: Int32) -> Bool { fcntl(descriptor, F_GETFD) >= 0 }

    @Test("an empty pipe is given out again, last returned first")
    func reuse() {
        var pool = PipePool()
        let first = pool.take()
        let second = pool.take()
        #expect(first == 0 && second == 1)
        #expect(pool[first].capacity >= 65_536 && pool[first].count == 0)
        let ends = pool[first]
        pool.give(first)
        #expect(isOpen(ends.readEnd))
        #expect(pool.take() == first)
        #expect(pool[first].readEnd == ends.readEnd)
        pool.closeAll()
        #expect(pool[first].readEnd == -1 && pool[second].readEnd == -1)
    }

    @Test("no number is lost while there are no descriptors")
    func noDescriptors() async {
        // In a process of its own, since the limit holds for a whole process.
        await #expect(processExitsWith: .success) {
            var before = rlimit()
            getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &before)
            var pool = PipePool()
            var none = rlimit(rlim_cur: 0, rlim_max: before.rlim_max)
            setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &none)
            for _ in 0..<200 where pool.take() != -1 { exit(EXIT_FAILURE) }
            setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &before)
            for _ in 0..<64 where pool.take() == -1 { exit(EXIT_FAILURE) }
            pool.closeAll()
        }
    }

    @Test("a pipe with bytes in it is never given out again")
    func leftovers() {
        var pool = PipePool()
        let number = pool.take()
        let source = Array("left".utf8)
        #expect(weir_write(pool[number].writeEnd, source, 4) == 4)
        pool[number].count = 4
        pool.give(number)
        #expect(pool[number].readEnd == -1 && pool[number].count == 0)
        #expect(pool.take() == number)
        var byte: UInt8 = 0
        #expect(weir_read(pool[number].readEnd, &byte, 1) == Int(-EAGAIN))
        pool.closeAll()
    }

    @Test("there are 64 at most, and all of them again once they are back")
    func most() {
        var pool = PipePool()
        let numbers = (0..<64).map { _ in pool.take() }
        #expect(Set(numbers).count == 64 && !numbers.contains(-1))
        #expect(pool.take() == -1)
        for number in numbers { pool.give(number) }
        #expect(Set((0..<64).map { _ in pool.take() }) == Set(numbers))
        #expect(pool.take() == -1)
        pool.closeAll()
    }
}
