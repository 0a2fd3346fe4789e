extension RawSpan {
    /// The byte at an offset; checked against the span's bounds.
    func byte(at offset: Int) -> UInt8 {
        // Any bits are a UInt8, and the offset is checked by the call.
        unsafe unsafeLoad(fromByteOffset: offset, as: UInt8.self)
    }
}
