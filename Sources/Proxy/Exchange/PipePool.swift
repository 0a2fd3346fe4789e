import CLinux

/// Pipes through which long bodies pass without being copied.
///
/// A pipe is given out and taken back empty; one with bytes left in it is closed, or one client's
/// bytes would reach another.
struct PipePool: ~Copyable {
    /// The two ends of a pipe, and the bytes in it.
    struct Pipe: BitwiseCopyable {
        var readEnd: Int32
        var writeEnd: Int32
        var capacity: Int
        var count: Int
    }

    /// Pipes of one worker at once.
    static let most = 64
    /// Bytes that a pipe is asked to hold.
    private static let size: Int32 = 262_144

    private var pipes: [Pipe] = []
    private var free: [Int32] = []

    init() {
        pipes.reserveCapacity(Self.most)
        free.reserveCapacity(Self.most)
    }

    /// An empty pipe's number, or -1 if there is none to have.
    mutating func take() -> Int32 {
        if let kept = free.popLast() {
            if pipes[Int(kept)].readEnd >= 0 || open(kept) { return kept }
            free.append(kept)
            return -1
        }
        guard pipes.count < Self.most else { return -1 }
        let number = Int32(truncatingIfNeeded: pipes.count)
        pipes.append(Pipe(readEnd: -1, writeEnd: -1, capacity: 0, count: 0))
        if open(number) { return number }
        free.append(number)
        return -1
    }

    /// Takes a pipe back.
    mutating func give(_ number: Int32) {
        if pipes[Int(number)].count > 0 { close(number) }
        free.append(number)
    }

    /// The pipe of this number.
    subscript(_ number: Int32) -> Pipe {
        get { pipes[Int(number)] }
        set { pipes[Int(number)] = newValue }
    }

    /// Closes all pipes.
    mutating func closeAll() {
        for number in pipes.indices where pipes[number].readEnd >= 0 {
            close(Int32(truncatingIfNeeded: number))
        }
    }

    private mutating func open(_ number: Int32) -> Bool {
        var pipe = Pipe(readEnd: -1, writeEnd: -1, capacity: 0, count: 0)
        let capacity = weir_pipe(&pipe.readEnd, &pipe.writeEnd, Self.size)
        guard capacity > 0 else { return false }
        pipe.capacity = Int(capacity)
        pipes[Int(number)] = pipe
        return true
    }

    private mutating func close(_ number: Int32) {
        let pipe = pipes[Int(number)]
        weir_close(pipe.readEnd)
        weir_close(pipe.writeEnd)
        pipes[Int(number)] = Pipe(readEnd: -1, writeEnd: -1, capacity: 0, count: 0)
    }
}
