"""OpenSTF and DeviceFarmer: farms of phones that are reserved over their REST API and reached by adb."""
