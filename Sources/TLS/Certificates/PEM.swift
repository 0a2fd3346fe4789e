import COpenSSL

/// Reads what stands between BEGIN and END lines (RFC 7468).
enum PEM {
    /// One block: its label and the DER bytes in it.
    struct Block: Equatable {
        var label: String
        var bytes: [UInt8]
    }

    /// All blocks of `text`; encrypted ones are given as they are.
    ///
    /// An error says which block, counted from 1, cannot be read.
    static func blocks(_ text: [UInt8]) -> Result<[Block], PEMError> {
        guard let memory = memory(text) else { return .failure(PEMError(text: "no memory")) }
        defer { BIO_free(memory) }
        var blocks: [Block] = []
        while true {
            ERR_clear_error()
            var name: UnsafeMutablePointer<CChar>?
            var header: UnsafeMutablePointer<CChar>?
            var data: UnsafeMutablePointer<UInt8>?
            var count = 0
            guard PEM_read_bio(memory, &name, &header, &data, &count) == 1 else { break }
            defer {
                weir_openssl_free(name)
                weir_openssl_free(header)
                weir_openssl_free(data)
            }
            guard let name, let data else { break }
            let bytes = Array(UnsafeBufferPointer(start: data, count: count))
            blocks.append(Block(label: String(cString: name), bytes: bytes))
        }
        let error = ERR_peek_last_error()
        ERR_clear_error()
        // The end of the text is an error too: no further begin line.
        if ERR_GET_REASON(error) == PEM_R_NO_START_LINE || error == 0 { return .success(blocks) }
        let what = openSSLText(error)
        return .failure(PEMError(text: "block \(blocks.count + 1) cannot be read: \(what)"))
    }

    /// A BIO that reads `bytes`, a copy of them; `nil`: no memory.
    static func memory(_ bytes: [UInt8]) -> OpaquePointer? {
        guard let memory = BIO_new(BIO_s_mem()) else { return nil }
        var written = 0
        guard bytes.isEmpty || BIO_write_ex(memory, bytes, bytes.count, &written) == 1 else {
            BIO_free(memory)
            return nil
        }
        return memory
    }
}

/// Why PEM text cannot be read.
struct PEMError: Error, Equatable {
    var text: String
}
