import CLinux
import Configuration

/// The terminal that `weir top` draws on: taken for as long as it draws, then given back.
struct Terminal: ~Copyable {
    private static let output: Int32 = 1
    private static let input: Int32 = 0

    /// Whether frames may have colours.
    private let isColoured: Bool
    /// Whether keys can be pressed.
    let hasKeys: Bool
    private var isTaken = false

    /// A terminal that is as it was.
    init() {
        // By no-color.org whatever is set and not empty counts.
        isColoured = (FileSystem.environment("NO_COLOR") ?? "").isEmpty
        hasKeys = weir_is_terminal(Self.input) == 1
    }

    /// Whether standard output is a terminal that can be drawn on.
    static var isThere: Bool {
        let kind = FileSystem.environment("TERM") ?? ""
        return weir_is_terminal(output) == 1 && !kind.isEmpty && kind != "dumb"
    }

    /// Its size; 24 by 80 where it does not tell.
    var size: TopSize {
        var rows: Int32 = 0
        var columns: Int32 = 0
        guard weir_terminal_size(Self.output, &rows, &columns) == 0 else {
            return TopSize(rows: 24, columns: 80)
        }
        return TopSize(rows: Int(rows), columns: Int(columns))
    }

    /// Another screen than the shell's, without cursor and without line wrap.
    mutating func take() {
        if hasKeys { _ = weir_terminal_take(Self.input) }
        isTaken = true
        _ = write("\u{1B}[?1049h\u{1B}[?25l\u{1B}[?7l")
    }

    /// The shell's screen, as it was.
    mutating func giveBack() {
        guard isTaken else { return }
        isTaken = false
        _ = write("\u{1B}[?7h\u{1B}[?25h\u{1B}[?1049l")
        if hasKeys { weir_terminal_give_back(Self.input) }
    }

    /// Draws a frame over the last one; false if the terminal is gone.
    func draw(_ lines: [TopLine]) -> Bool {
        // Erased before it is written: behind a full line the cursor stands on its last character.
        let texts = lines.map { "\u{1B}[K" + (isColoured ? $0.styled : $0.plain) }
        return write("\u{1B}[H" + texts.joined(separator: "\r\n"))
    }

    /// The bytes of the keys pressed; `nil` if there will be no more.
    func read() -> [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: 256)
        let count = buffer.withUnsafeMutableBytes { memory in
            memory.baseAddress.map { weir_read(Self.input, $0, memory.count) } ?? 0
        }
        return count > 0 ? Array(buffer[..<count]) : nil
    }

    private func write(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        return bytes.withUnsafeBytes { memory in
            var written = 0
            while written < memory.count, let base = memory.baseAddress {
                let count = weir_write(Self.output, base + written, memory.count - written)
                if count <= 0 { return false }
                written += count
            }
            return true
        }
    }
}
