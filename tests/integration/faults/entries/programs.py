"""Programs of Android that refuse, fail, hang, say nothing or are not there."""

from tests.integration.faults.entry import NONE, PUT_BACK, UNTOUCHED, Entry

REFUSED = "SETTING_REFUSED: stay_awake: "

ENTRIES = (
    Entry(
        "helpers-fail",
        "settings are refused, df is missing, a zone never answers, all at once",
        0,
        REFUSED,
        settings=(UNTOUCHED, PUT_BACK),
        before=("settings=refused", "df=missing", "zone=blocks:cpu0-gold-usr"),
        conditions="9, 12",
        quick=True,
    ),
    *(
        Entry(
            f"settings-{mode}",
            how,
            0,
            REFUSED,
            settings=(UNTOUCHED, PUT_BACK),
            before=(f"settings={mode}",),
            conditions="9",
        )
        for mode, how in (
            ("refused", "`settings put` is refused with a Java stack"),
            ("fails", "`settings put` ends with 20"),
            ("ignored", "`settings put` has no effect"),
            ("hang", "`settings put` never ends"),
            ("unreadable", "`settings get` is refused"),
            ("missing", "there is no `settings`"),
        )
    ),
    Entry("settings-noise", "a line before a setting's value", 0, before=("settings=noise",), conditions="10"),
    Entry("dumpsys-hang", "dumpsys never ends", 0, before=("dumpsys=hang",), conditions="12"),
    Entry("dumpsys-missing", "there is no dumpsys", 0, before=("dumpsys=missing",)),
    Entry("dumpsys-empty", "dumpsys says nothing", 0, before=("dumpsys=empty",)),
    Entry("cmd-fails", "cmd ends with 20", 0, before=("cmd=fails",)),
    Entry("df-missing", "there is no df", 0, before=("df=missing",), conditions="20"),
    Entry("df-hang", "df never ends", 0, before=("df=hang",)),
    Entry(
        "sha-missing",
        "there is no sha256sum and no md5sum",
        0,
        before=("sha=missing",),
        conditions="20",
    ),
    Entry(
        "getprop-empty",
        "getprop says nothing for 0.4 s",
        0,
        before=("getprop=empty@at:getprop,for:0.4",),
        conditions="17",
    ),
    Entry(
        "getprop-hang",
        "getprop never ends",
        5,
        "no answer: .* took longer than",
        NONE,
        UNTOUCHED,
        before=("getprop=hang",),
    ),
    Entry("clock-back", "the phone's clock is set back an hour", 0, during=("date=-3600",)),
)
