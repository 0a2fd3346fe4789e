// swift-tools-version: 6.2

import PackageDescription

// Its sources are links to those of the main package, so that they can be compiled with the
// fuzzer's instrumentation, which no ordinary build may carry.
let instrumented: [SwiftSetting] = [.unsafeFlags(["-sanitize=fuzzer,address"])]

let package = Package(
    name: "weir-fuzz",
    targets: [
        .target(name: "CBytes"),
        .target(name: "CLibFuzzer"),
        .target(name: "CLeakCheck"),
        .target(
            name: "HTTP",
            dependencies: ["CBytes", "CNghttp2"],
            swiftSettings: instrumented + [.strictMemorySafety()]
        ),
        .systemLibrary(
            name: "CNghttp2",
            pkgConfig: "libnghttp2",
            providers: [.apt(["libnghttp2-dev"])]
        ),
        .systemLibrary(
            name: "CYaml",
            pkgConfig: "yaml-0.1",
            providers: [.apt(["libyaml-dev"])]
        ),
        .target(
            name: "Balancing",
            dependencies: ["CBytes"],
            swiftSettings: instrumented + [.strictMemorySafety()]
        ),
        .target(
            name: "Health",
            dependencies: ["CBytes", "HTTP", "Balancing"],
            swiftSettings: instrumented + [.strictMemorySafety()]
        ),
        .target(
            name: "Routing",
            dependencies: ["CBytes", "HTTP"],
            swiftSettings: instrumented + [.strictMemorySafety()]
        ),
        .target(
            name: "Configuration",
            dependencies: ["CYaml", "HTTP", "Balancing", "Health", "Routing"],
            swiftSettings: instrumented + [.strictMemorySafety()]
        ),
        .executableTarget(
            name: "ConfigurationFuzz",
            dependencies: ["Configuration", "CLibFuzzer", "CLeakCheck"],
            swiftSettings: instrumented,
            linkerSettings: [.unsafeFlags(["-sanitize=fuzzer,address", "-use-ld=lld"])]
        ),
        .executableTarget(
            name: "DNSFuzz",
            dependencies: ["CLibFuzzer"],
            swiftSettings: instrumented,
            linkerSettings: [.unsafeFlags(["-sanitize=fuzzer,address", "-use-ld=lld"])]
        ),
        .executableTarget(
            name: "HTTPFuzz",
            dependencies: ["HTTP", "CLibFuzzer"],
            swiftSettings: instrumented,
            linkerSettings: [.unsafeFlags(["-sanitize=fuzzer,address", "-use-ld=lld"])]
        ),
    ],
    swiftLanguageModes: [.v6]
)
