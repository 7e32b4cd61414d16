"""Virtual phones: a real adb server in front, an emulated CPU behind."""
