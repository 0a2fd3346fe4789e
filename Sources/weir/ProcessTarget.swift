import ArgumentParser
import CLinux
import Control

/// How a command finds a process that has no admin API: by its number.
struct ProcessTarget: ParsableArguments {
    @Option(help: "The process to signal, where there is no admin API; default /run/weir/weir.pid.")
    var pid: Int32?

    /// Signals the process if one is named, or if `target` names none and a pid file does; false
    /// if the admin API is to be asked.
    ///
    /// - Throws: exit code 3 if there is no such process, 1 if it may not be signalled.
    func signals(_ signal: Int32, insteadOf target: AdminTarget) throws -> Bool {
        guard let number = pid ?? (target.namesNobody ? PIDFile.read() : nil) else { return false }
        let result = weir_signal_process(number, signal)
        if result == 0 { return true }
        Output.error("weir: process \(number): \(String(cString: weir_error_text(-result)))")
        throw result == -ESRCH ? AdminTarget.nobody : ExitCode(1)
    }
}
