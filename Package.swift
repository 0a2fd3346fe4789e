// swift-tools-version: 6.2

import PackageDescription

/// What every Swift target is compiled with.
///
/// Warnings are errors where `CI` is set, so that a newer compiler's new warning never stops a
/// user's build.
let common: [SwiftSetting] =
    Context.environment["CI"] == nil ? [] : [.treatAllWarnings(as: .error)]

/// Targets that may not touch the kernel: each unsafe expression in them is marked as such.
let pure: [SwiftSetting] = common + [.strictMemorySafety()]

/// Targets that random tests and simulations run through for minutes: optimised where
/// Tests/Support/run_tests.py builds them, with all assertions.
let busy: [SwiftSetting] =
    Context.environment["WEIR_TESTS"] == nil
    ? []
    : [.unsafeFlags(["-O", "-assert-config", "Debug"], .when(configuration: .debug))]

/// Names of functions stay for stack traces; what else debuggers read would be two thirds of the
/// binary, and valgrind 3.19 cannot read it.
let released: [LinkerSetting] = [
    .unsafeFlags(["-Xlinker", "--strip-debug"], .when(configuration: .release))
]

let package = Package(
    name: "weir",
    products: [
        .executable(name: "weir", targets: ["weir"]),
        // For perf/micro, which measures them from a package of its own.
        .library(name: "HTTP", targets: ["HTTP"]),
        .library(name: "Routing", targets: ["Routing"]),
        .library(name: "Balancing", targets: ["Balancing"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2")
    ],
    targets: [
        .target(name: "CLinux"),
        .target(name: "CBytes"),
        .systemLibrary(
            name: "CYaml",
            pkgConfig: "yaml-0.1",
            providers: [.apt(["libyaml-dev"])]
        ),
        .systemLibrary(
            name: "COpenSSL",
            pkgConfig: "openssl",
            providers: [.apt(["libssl-dev"])]
        ),
        .systemLibrary(
            name: "CNghttp2",
            pkgConfig: "libnghttp2",
            providers: [.apt(["libnghttp2-dev"])]
        ),
        .systemLibrary(
            name: "CAres",
            pkgConfig: "libcares",
            providers: [.apt(["libc-ares-dev"])]
        ),
        .target(name: "EventLoop", dependencies: ["CLinux"], swiftSettings: common + busy),
        .target(name: "HTTP", dependencies: ["CBytes", "CNghttp2"], swiftSettings: pure + busy),
        .target(name: "TLS", dependencies: ["COpenSSL"], swiftSettings: common),
        .target(name: "Balancing", dependencies: ["CBytes"], swiftSettings: pure + busy),
        .target(name: "Health", dependencies: ["HTTP", "Balancing"], swiftSettings: pure + busy),
        .target(name: "Routing", dependencies: ["CBytes", "HTTP"], swiftSettings: pure + busy),
        .target(
            name: "Configuration",
            dependencies: ["CYaml", "HTTP", "Balancing", "Health", "Routing"],
            swiftSettings: pure
        ),
        .target(
            name: "Simulator",
            dependencies: ["Balancing", "Health", "Configuration"],
            swiftSettings: pure + busy
        ),
        .target(
            name: "Proxy",
            dependencies: [
                "CLinux", "CBytes", "COpenSSL", "EventLoop", "HTTP", "Balancing", "Health",
                "Routing", "Configuration", "TLS",
            ],
            swiftSettings: common
        ),
        .target(
            name: "Control",
            dependencies: [
                "CLinux", "CAres", "EventLoop", "HTTP", "Balancing", "Health", "Routing",
                "Configuration", "Proxy", "TLS",
            ],
            swiftSettings: common
        ),
        .executableTarget(
            name: "weir",
            dependencies: [
                "CLinux", "Control", "Configuration", "Simulator",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: common,
            linkerSettings: released
        ),
        .testTarget(
            name: "EventLoopTests",
            dependencies: ["EventLoop", "CLinux"],
            swiftSettings: common
        ),
        .testTarget(
            name: "HTTPTests",
            dependencies: ["HTTP", "CBytes", "CNghttp2"],
            swiftSettings: common
        ),
        .testTarget(name: "TLSTests", dependencies: ["TLS", "COpenSSL"], swiftSettings: common),
        .testTarget(name: "BalancingTests", dependencies: ["Balancing"], swiftSettings: common),
        .testTarget(
            name: "HealthTests",
            dependencies: ["Health", "HTTP", "Balancing"],
            swiftSettings: common
        ),
        .testTarget(
            name: "ControlTests",
            dependencies: [
                "Control", "Proxy", "EventLoop", "Health", "Balancing", "CLinux", "Configuration",
                "Routing", "HTTP",
            ],
            swiftSettings: common
        ),
        .testTarget(
            name: "RoutingTests",
            dependencies: ["Routing", "HTTP"],
            swiftSettings: common
        ),
        .testTarget(
            name: "ConfigurationTests",
            dependencies: ["Configuration", "Health", "Routing", "HTTP", "Balancing"],
            exclude: ["Golden"],
            swiftSettings: common
        ),
        .testTarget(
            name: "ProxyTests",
            dependencies: [
                "Proxy", "EventLoop", "HTTP", "Health", "Routing", "Configuration", "Balancing",
            ],
            swiftSettings: common
        ),
        .testTarget(
            name: "SimulatorTests",
            dependencies: ["Simulator", "Balancing", "Configuration"],
            swiftSettings: common
        ),
        .testTarget(name: "TidyTests", swiftSettings: common),
    ],
    swiftLanguageModes: [.v6]
)
