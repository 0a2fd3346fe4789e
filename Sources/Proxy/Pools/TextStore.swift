import Synchronization

/// Text in memory that stays where it is as long as the store lives; equal texts share a place.
///
/// Callable from any thread. It never forgets: what is put here comes from the file or is the
/// address of a server.
final class TextStore: @unchecked Sendable {
    private let places = Mutex<[String: Place]>([:])

    private struct Place: @unchecked Sendable {
        let memory: UnsafeMutableRawPointer
        let count: Int
    }

    deinit {
        places.withLock { places in
            for place in places.values { place.memory.deallocate() }
        }
    }

    /// The text's bytes, behind which a zero stands.
    func keep(_ text: String) -> UnsafeRawBufferPointer {
        let place = places.withLock { places in
            if let known = places[text] { return known }
            let bytes = Array(text.utf8)
            let memory = UnsafeMutableRawPointer.allocate(byteCount: bytes.count + 1, alignment: 1)
            memory.copyMemory(from: bytes, byteCount: bytes.count)
            memory.storeBytes(of: 0, toByteOffset: bytes.count, as: UInt8.self)
            let new = Place(memory: memory, count: bytes.count)
            places[text] = new
            return new
        }
        return UnsafeRawBufferPointer(start: place.memory, count: place.count)
    }
}
