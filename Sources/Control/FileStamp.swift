import CLinux

/// What tells a file from the same one written anew, another one renamed to its place, or another
/// target of a link.
struct FileStamp: Equatable {
    private var result: Int32
    private var device: UInt64 = 0
    private var inode: UInt64 = 0
    private var size: Int64 = 0
    private var modified: Int64 = 0
    private var changed: Int64 = 0

    /// The stamp of what is there now, or of why nothing is.
    init(of path: String) {
        var raw = weir_file_stamp()
        result = weir_file_stamp(path, &raw)
        guard result == 0 else { return }
        device = raw.device
        inode = raw.inode
        size = raw.size
        modified = raw.modified_ns
        changed = raw.changed_ns
    }
}
