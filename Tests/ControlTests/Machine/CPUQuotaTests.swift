import Testing

@testable import Control

@Suite("Quota of CPUs")
struct CPUQuotaTests {
    @Test(
        "the tightest bound from the process's group upwards counts, rounded up",
        arguments: [
            // A container with a namespace of its own.
            ("0::/\n", ["": "150000 100000"], 2),
            // A unit with CPUQuota=, a slice around it that allows more.
            (
                "0::/system.slice/weir.service\n",
                ["/system.slice/weir.service": "100000 100000", "/system.slice": "300000 100000"],
                1
            ),
            // The slice allows less than the unit.
            (
                "12:cpuset:/x\n0::/a.slice/weir.service\n",
                ["/a.slice/weir.service": "max 100000", "/a.slice": "250000 100000"], 3
            ),
            ("0::/a/b\n", ["/a/b": "max 100000", "": "20000 100000"], 1),
            ("0::/a\n", ["/b": "100000 100000", "/a": "rubbish"], 8),
            ("0::/../b\n", ["/../b": "100000 100000", "": "400000 100000"], 4),
            ("", [:], 8), ("0::/a\n", ["/a": "9000000 100000"], 8), ("0::/a\n", ["/a": "5 0"], 8),
        ] as [(String, [String: String], Int)]
    )
    func bounds(group: String, files: [String: String], expected: Int) {
        let quota = CPUQuota { path in
            if path == "/proc/self/cgroup" { return group }
            guard path.hasPrefix("/sys/fs/cgroup"), path.hasSuffix("/cpu.max") else { return nil }
            let folder = path.dropFirst("/sys/fs/cgroup".count).dropLast("/cpu.max".count)
            return files[String(folder)].map { $0 + "\n" }
        }
        #expect(quota.usable(of: 8) == expected)
    }
}
