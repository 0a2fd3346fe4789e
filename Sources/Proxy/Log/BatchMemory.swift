import Synchronization

/// Memory for batches that go from workers to another thread, used again when it comes back.
///
/// Any thread may take pieces and give them back; who took one owns it until then.
struct BatchMemory: ~Copyable, Sendable {
    /// Bytes of a piece.
    static let size = 65_536

    private struct Piece: @unchecked Sendable {
        var start: UnsafeMutableRawPointer
    }

    private let most: Int
    private let free: Mutex<[Piece]>
    /// Pieces that there are, lent ones included.
    private let made = Atomic(0)

    /// Nothing yet; so many free pieces are kept at most.
    init(keeping most: Int) {
        self.most = most
        var pieces: [Piece] = []
        pieces.reserveCapacity(most)
        free = Mutex(pieces)
    }

    deinit {
        free.withLock { pieces in
            for piece in pieces { piece.start.deallocate() }
        }
    }

    /// A piece of ``size`` bytes, of any content.
    func take() -> UnsafeMutableRawPointer {
        let kept = free.withLock { $0.popLast() }
        if let kept { return kept.start }
        made.add(1, ordering: .relaxed)
        return .allocate(byteCount: Self.size, alignment: 16)
    }

    /// Bytes of all pieces.
    var bytes: Int { made.load(ordering: .relaxed) * Self.size }

    /// Takes a piece back that ``take()`` gave away.
    func recycle(_ memory: UnsafeMutableRawPointer) {
        let piece = Piece(start: memory)
        let isKept = free.withLock { pieces in
            guard pieces.count < most else { return false }
            pieces.append(piece)
            return true
        }
        guard !isKept else { return }
        made.subtract(1, ordering: .relaxed)
        memory.deallocate()
    }
}
