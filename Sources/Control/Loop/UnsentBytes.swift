import CLinux

/// Bytes for a socket that the kernel has not taken yet, in order.
struct UnsentBytes {
    private var bytes: [UInt8] = []

    /// Whether all have left.
    var isEmpty: Bool { bytes.isEmpty }

    /// Adds bytes behind those that wait.
    mutating func append(_ more: some Sequence<UInt8>) { bytes += more }

    /// Sends what the kernel takes now; false if the connection is broken.
    mutating func flush(to descriptor: Int32) -> Bool {
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { all in
                all.baseAddress.map { weir_send(descriptor, $0, all.count) } ?? 0
            }
            if count == Int(-EAGAIN) { return true }
            guard count > 0 else { return false }
            bytes.removeFirst(count)
        }
        return true
    }
}
