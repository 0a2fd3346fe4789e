import ArgumentParser
import CLinux
import Configuration
import Control

/// How a command finds a process that has no admin API: by its number.
struct ProcessTarget: ParsableArguments {
    @Option(help: "The process to signal, where there is no admin API; default /run/weir/weir.pid.")
    var pid: Int32?

    func validate() throws {
        // Numbers below 1 mean groups of processes, or all there are.
        if let pid, pid < 1 { throw ValidationError("--pid takes the number of a process") }
    }

    /// Signals the process if one is named, or if `target` names none and a pid file does; false
    /// if the admin API is to be asked.
    ///
    /// `read`: what `target` read of its file.
    ///
    /// - Throws: exit code 3 if there is no such Weir, 1 if it may not be signalled.
    func signals(
        _ signal: Int32,
        insteadOf target: AdminTarget,
        _ read: LoadResult?
    ) throws -> Bool {
        if pid != nil, target.admin != nil {
            throw ValidationError("--pid and --admin name two ways to one process: give one")
        }
        guard pid != nil || target.namesNobody(read) else { return false }
        guard let number = pid ?? PIDFile.read() else {
            // A file that is there and bad is to be told of instead.
            if target.isBad(read) { return false }
            Output.error(
                "weir: no process is named: neither an admin API, nor --pid, nor \(PIDFile.path)"
            )
            throw AdminTarget.nobody
        }
        let source = pid == nil ? ", which \(PIDFile.path) names," : ""
        // A number that outlived its process may be somebody else's, whom the signal would end.
        if let name = PIDFile.programName(of: number), !PIDFile.isWeir(name) {
            Output.error("weir: process \(number)\(source) is \(name), not Weir: nothing was sent")
            throw AdminTarget.nobody
        }
        let result = weir_signal_process(number, signal)
        if result == 0 { return true }
        let reason = String(cString: weir_error_text(-result))
        Output.error("weir: process \(number)\(source): \(reason)")
        throw result == -ESRCH ? AdminTarget.nobody : ExitCode(1)
    }
}
