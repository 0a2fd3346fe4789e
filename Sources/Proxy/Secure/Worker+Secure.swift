import CLinux
import EventLoop
import TLS

/// TLS as a layer between the kernel and what reads and writes HTTP.
extension Worker {
    /// Ciphertext received at once.
    static let sealedSize = 65_536
    /// Ciphertext that may come of one call: that of all the plaintext that is sent at once.
    static let sealedOutput = 196_608

    /// Receives from a client and decrypts, as ``receive`` does in the clear.
    mutating func receiveSecure(
        _ downstream: UnsafeMutablePointer<Downstream>,
        _ memory: UnsafeMutableRawPointer,
        _ room: Int
    ) -> Int {
        let flags = downstream.pointee.flags
        let hasEnded = !flags.isDisjoint(with: [.finished, .broken])
        let read = receiveSecure(
            &downstream.pointee.secure,
            downstream.pointee.descriptor,
            memory,
            room,
            mayReceive: flags.contains(.readable),
            hasEnded: hasEnded,
            limit: Self.turnBytes
        )
        if read.isPaused {
            downstream.pointee.flags.remove(.readable)
            downstream.pointee.flags.insert(.paused)
            queueDownstream(Int32(truncatingIfNeeded: downstream - down[0]))
        } else if read.count == Int(-EAGAIN) || (read.isDrained && !hasEnded) {
            downstream.pointee.flags.remove(.readable)
        }
        sendReply(downstream)
        return read.count
    }

    /// Sends what reading has made: an alert, or the answer to a key update, without which the
    /// client could read nothing that follows.
    private mutating func sendReply(_ downstream: UnsafeMutablePointer<Downstream>) {
        let output = secure.output
        defer { secure.clearOutput() }
        guard let bytes = output.baseAddress, output.count > 0 else { return }
        if let held = downstream.pointee.secure.held.head {
            sendOrKeep(downstream, held, downstream.pointee.secure.held.count)
            buffers.give(&downstream.pointee.secure.held)
        }
        sendOrKeep(downstream, bytes, output.count)
    }

    /// Sends ciphertext, or keeps what the kernel does not take.
    private mutating func sendOrKeep(
        _ downstream: UnsafeMutablePointer<Downstream>,
        _ bytes: UnsafeRawPointer,
        _ count: Int
    ) {
        var sent = 0
        if downstream.pointee.output.isEmpty {
            sent = max(0, weir_send(downstream.pointee.descriptor, bytes, count))
        }
        buffers.append(bytes + sent, count &- sent, to: &downstream.pointee.output)
    }

    /// Receives and decrypts into `memory`.
    ///
    /// `mayReceive`: whether the kernel may have bytes; `hasEnded`: whether the peer sends nothing
    /// beyond them, so that a short read says nothing. `limit`: after so many bytes of ciphertext
    /// others have their turn, whatever they held.
    mutating func receiveSecure(
        _ side: inout SecureSide,
        _ descriptor: Int32,
        _ memory: UnsafeMutableRawPointer,
        _ room: Int,
        mayReceive: Bool,
        hasEnded: Bool,
        limit: Int = Int.max
    ) -> SecureRead {
        guard let connection = side.connection else { return SecureRead(count: 0, isDrained: true) }
        var count = 0
        var total = 0
        var isDrained = !mayReceive
        var offered = side.sealed.count
        connection.offer(side.sealed.head ?? sealedArea, offered)
        // OpenSSL is not asked where it can have nothing: that costs as much as a small record.
        var hasMore = offered > 0 || side.endsBehind || connection.pending > 0
        reading: while count < room {
            if hasMore {
                let step = connection.read(memory + count, room &- count)
                if step > 0 {
                    count &+= step
                    hasMore = secure.unread > 0 || connection.pending > 0
                    continue
                }
                if step < 0 { return endReading(&side, step, count) }
                hasMore = false
            }
            buffers.give(&side.sealed)
            if isDrained { break }
            if total >= limit, !hasEnded {
                let count = count > 0 ? count : Int(-EAGAIN)
                return SecureRead(count: count, isDrained: false, isPaused: true)
            }
            let received = weir_recv(descriptor, sealedArea, Self.sealedSize)
            if received > 0 {
                isDrained = received < Self.sealedSize && !hasEnded
                offered = received
                total &+= received
                connection.offer(sealedArea, received)
                hasMore = true
                continue
            }
            if received == Int(-EAGAIN) {
                isDrained = true
                break reading
            }
            // Without a close_notify the peer's end may be somebody else's doing (RFC 8446 §6.1).
            let end = received == 0 ? Int(-ECONNRESET) : received
            if count == 0 { return SecureRead(count: end, isDrained: true) }
            return SecureRead(count: count, isDrained: false)
        }
        keepSealed(&side, offered)
        let isEmpty = isDrained && side.sealed.isEmpty && connection.pending == 0
        return SecureRead(count: count > 0 ? count : Int(-EAGAIN), isDrained: isEmpty)
    }

    /// The peer has ended, or the connection failed, behind so many bytes.
    ///
    /// What came before the end is handed over first; the end is reported again.
    private mutating func endReading(
        _ side: inout SecureSide,
        _ step: Int,
        _ count: Int
    ) -> SecureRead {
        side.endsBehind = count > 0
        buffers.give(&side.sealed)
        if count > 0 { return SecureRead(count: count, isDrained: false) }
        let end = step == TLSConnection.ended ? 0 : Int(-EPROTO)
        return SecureRead(count: end, isDrained: true)
    }

    /// Ciphertext that OpenSSL has not taken stays with the connection.
    ///
    /// `offered`: how much was handed to it last.
    mutating func keepSealed(_ side: inout SecureSide, _ offered: Int) {
        let unread = secure.unread
        guard unread > 0 else {
            buffers.give(&side.sealed)
            return
        }
        if side.sealed.isEmpty {
            buffers.append(sealedArea + (offered &- unread), unread, to: &side.sealed)
        } else {
            buffers.consume(side.sealed.count &- unread, from: &side.sealed)
        }
        secure.withdraw()
    }

    /// Encrypts bytes into the worker's port; false if the connection has failed.
    mutating func seal(
        _ side: inout SecureSide,
        _ head: UnsafeRawPointer,
        _ headCount: Int,
        _ body: UnsafeMutableRawPointer?,
        _ bodyCount: Int,
        spare: Int
    ) -> Bool {
        guard let connection = side.connection else { return false }
        restoreHeld(&side)
        guard let body, bodyCount > 0 else {
            return headCount == 0 || connection.write(head, headCount) >= 0
        }
        guard headCount > 0 else { return connection.write(body, bodyCount) >= 0 }
        // One record rather than two, where both stand or can stand together.
        if headCount <= spare {
            (body - headCount).copyMemory(from: head, byteCount: headCount)
            return connection.write(body - headCount, headCount &+ bodyCount) >= 0
        }
        return connection.write(head, headCount) >= 0 && connection.write(body, bodyCount) >= 0
    }

    /// Encrypts bytes for the client and sends them, as ``deliver`` does in the clear.
    mutating func deliverSecure(
        _ slot: Int32,
        _ head: UnsafeRawPointer,
        _ headCount: Int,
        _ body: UnsafeMutableRawPointer?,
        _ bodyCount: Int,
        spare: Int
    ) -> Bool {
        let downstream = down[slot]
        guard seal(&downstream.pointee.secure, head, headCount, body, bodyCount, spare: spare)
        else {
            secure.clearOutput()
            return false
        }
        return sendSealed(slot)
    }

    /// Sends what stands in the worker's port to the client; what the kernel does not take waits.
    ///
    /// False if the client is gone.
    mutating func sendSealed(_ slot: Int32) -> Bool {
        let downstream = down[slot]
        let output = secure.output
        defer { secure.clearOutput() }
        guard let bytes = output.baseAddress, output.count > 0 else { return true }
        guard downstream.pointee.output.isEmpty else {
            buffers.append(bytes, output.count, to: &downstream.pointee.output)
            return true
        }
        var sent = weir_send(downstream.pointee.descriptor, bytes, output.count)
        if sent < 0 {
            guard sent == Int(-EAGAIN) else { return false }
            sent = 0
        }
        if sent < output.count {
            buffers.append(bytes + sent, output.count &- sent, to: &downstream.pointee.output)
            awaitClient(slot)
        }
        return true
    }

    /// Encrypts bytes for the client behind what waits for it already.
    mutating func queueSealed(
        _ downstream: UnsafeMutablePointer<Downstream>,
        _ bytes: UnsafeRawPointer,
        _ count: Int
    ) -> Bool {
        let isSealed = seal(&downstream.pointee.secure, bytes, count, nil, 0, spare: 0)
        let output = secure.output
        if isSealed, let sealed = output.baseAddress {
            buffers.append(sealed, output.count, to: &downstream.pointee.output)
        }
        secure.clearOutput()
        return isSealed
    }

    /// Encrypts a whole answer, which is sent with the others of its batch.
    ///
    /// False if the connection has failed; the buffer is given back in any case.
    mutating func sealWhole(
        _ downstream: UnsafeMutablePointer<Downstream>,
        _ whole: inout Buffer
    ) -> Bool {
        defer { buffers.give(&whole) }
        guard let bytes = whole.head else { return true }
        return queueSealed(downstream, bytes, whole.count)
    }

    /// Tells the client that nothing follows, so that it can tell the end from a cut.
    mutating func sendCloseNotify(_ downstream: UnsafeMutablePointer<Downstream>) {
        guard let connection = downstream.pointee.secure.connection,
            downstream.pointee.output.isEmpty
        else { return }
        restoreHeld(&downstream.pointee.secure)
        connection.shutdown()
        let output = secure.output
        if let bytes = output.baseAddress, output.count > 0 {
            _ = weir_send(downstream.pointee.descriptor, bytes, output.count)
        }
        secure.clearOutput()
    }

    /// Has the client told so behind what waits for it, in the same send.
    mutating func queueCloseNotify(_ downstream: UnsafeMutablePointer<Downstream>) {
        guard let connection = downstream.pointee.secure.connection else { return }
        connection.shutdown()
        let output = secure.output
        if let bytes = output.baseAddress {
            buffers.append(bytes, output.count, to: &downstream.pointee.output)
        }
        secure.clearOutput()
    }

    /// Lets go of what a connection has for TLS.
    mutating func release(_ side: inout SecureSide) {
        guard let connection = side.connection else { return }
        connection.free()
        side.connection = nil
        buffers.give(&side.sealed)
        buffers.give(&side.held)
    }
}
