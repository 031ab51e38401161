{
  "variables": {
    "variables": {"conditions": [["OS == 'linux'", {"poller%": "epoll"}, {"poller%": "uv"}]]},
    "poller%": "<(poller)"
  },
  "targets": [
    {
      "target_name": "heartwire",
      "sources": [
        "src/module.c", "src/loop.c", "src/poller_<(poller).c", "src/connection.c",
        "src/listener.c", "src/listener_calls.c", "src/mask.c"
      ],
      "defines": ["NAPI_VERSION=8", "_GNU_SOURCE"],
      "cflags": ["-std=c11", "-O3", "-fno-omit-frame-pointer", "-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Werror", "-fvisibility=hidden"],
      "cflags!": ["-O2"],
      "ldflags": ["-Wl,-z,relro", "-Wl,-z,now"],
      "xcode_settings": {
        "GCC_C_LANGUAGE_STANDARD": "c11",
        "GCC_OPTIMIZATION_LEVEL": "3",
        "GCC_SYMBOLS_PRIVATE_EXTERN": "YES",
        "GCC_TREAT_WARNINGS_AS_ERRORS": "YES",
        "MACOSX_DEPLOYMENT_TARGET": "11.0"
      }
    }
  ]
}
