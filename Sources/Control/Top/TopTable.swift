/// Columns side by side; where there is no room for all, the least important ones go first.
struct TopTable {
    /// A column.
    struct Column {
        var title: String
        /// Texts stand to the left, figures to the right.
        var isText = false
        /// Columns of the highest rank go first; those of rank 0 stay.
        var rank = 0
    }

    /// One cell.
    struct Cell {
        var text: String
        var style = TopStyle.plain

        /// A cell with this text.
        init(_ text: String, _ style: TopStyle = .plain) {
            self.text = TopLine.safe(text)
            self.style = style
        }
    }

    /// Blanks between columns.
    private static let gap = 2
    /// The most columns that a text but the last one gets where there is too little room.
    private static let narrow = 24

    let columns: [Column]
    private var rows: [[Cell]] = []

    /// A table without rows.
    init(_ columns: [Column]) { self.columns = columns }

    /// Adds a row, which has a cell for each column.
    mutating func add(_ row: [Cell]) {
        if row.count == columns.count { rows.append(row) }
    }

    /// The head and the rows, at most `width` wide where one is given.
    func lines(width: Int?) -> [TopLine] {
        var shown = Array(columns.indices)
        var widths = columns.indices.map { index in
            rows.reduce(columns[index].title.count) { max($0, $1[index].text.count) }
        }
        if let width { fit(&shown, &widths, in: width) }
        let head = columns.map { Cell($0.title, .faint) }
        return ([head] + rows).map { row in
            var line = TopLine()
            for index in shown {
                if line.width > 0 { line.add(String(repeating: " ", count: Self.gap)) }
                add(row[index], index, widths[index], isLast: index == shown.last, to: &line)
            }
            return width.map { line.cut(to: $0) } ?? line
        }
    }

    private func fit(_ shown: inout [Int], _ widths: inout [Int], in width: Int) {
        func needed() -> Int {
            // The last column takes what is left: its title is the least.
            shown.reduce(-Self.gap) { sum, index in
                let isFlexible = index == columns.count - 1 && columns[index].isText
                return sum + Self.gap + (isFlexible ? columns[index].title.count : widths[index])
            }
        }
        if needed() > width {
            for index in columns.indices.dropLast() where columns[index].isText {
                widths[index] = min(widths[index], max(Self.narrow, columns[index].title.count))
            }
        }
        while needed() > width,
            let next = shown.max(by: { columns[$0].rank < columns[$1].rank }),
            columns[next].rank > 0
        {
            shown.removeAll { $0 == next }
        }
    }

    private func add(
        _ cell: Cell,
        _ index: Int,
        _ width: Int,
        isLast: Bool,
        to line: inout TopLine
    ) {
        let text =
            cell.text.count > width && !isLast
            ? cell.text.prefix(max(0, width - 1)) + "…" : cell.text
        let blanks = String(repeating: " ", count: max(0, width - text.count))
        if !columns[index].isText { line.add(blanks) }
        line.add(text, cell.style)
        if columns[index].isText, !isLast { line.add(blanks) }
    }
}
