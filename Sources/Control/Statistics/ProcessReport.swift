import CLinux

/// How things stand with the process.
struct ProcessReport {
    var version: String
    var pid: Int
    /// Seconds since 1970.
    var time: Double
    /// Nanoseconds of the monotonic clock.
    var monotonic: Int64
    /// Seconds since the start.
    var uptime: Double
    /// When it began, in seconds since 1970.
    var startTime: Double
    var isDraining: Bool
    /// What is known of reloads.
    var reloads: ReloadState
    var residentBytes = 0
    var descriptors = 0
    var descriptorLimit: Int
    var cpuSeconds = 0.0

    /// The process as it is now; `began` is the start on the monotonic clock.
    init(
        version: String,
        began: Int64,
        startTime: Double,
        isDraining: Bool,
        reloads: ReloadState,
        descriptorLimit: Int
    ) {
        self.version = version
        self.startTime = startTime
        self.isDraining = isDraining
        self.reloads = reloads
        self.descriptorLimit = descriptorLimit
        pid = Int(weir_process_id())
        time = Double(weir_realtime_ns()) / 1e9
        monotonic = weir_monotonic_ns()
        uptime = Double(monotonic - began) / 1e9
        var usage = weir_process_usage()
        weir_read_process_usage(&usage)
        residentBytes = Int(usage.resident_bytes)
        descriptors = Int(usage.descriptors)
        cpuSeconds = Double(usage.cpu_ns) / 1e9
    }
}
