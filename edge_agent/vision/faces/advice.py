"""What the traveller should do about a picture that is not good enough, in English and 简体中文."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Advice:
    """One sentence for the traveller, in both languages."""

    en: str
    zh: str


NO_FACE = Advice("Please look at the camera", "请面向摄像头")
HOLD_STILL = Advice("Please hold still and look at the camera", "请保持不动，看向摄像头")
STAFF = Advice("Please go to the staffed lane", "请走人工通道")
WELCOME = Advice("Thank you, please go on", "谢谢，请通行")

# (measure, too low) -> what to do; a measure with two limits has two sentences
TABLE: dict[tuple[str, bool], Advice] = {
    ("in_frame", True): Advice("Move so that your whole face is in the picture", "请移动，让整个面部进入画面"),
    ("faces", False): Advice("One person at a time, please; others step back", "请一次一人，其他人请后退"),
    ("size", True): Advice("Come closer to the camera", "请靠近摄像头"),
    ("yaw", False): Advice("Turn your face straight to the camera", "请正对摄像头"),
    ("pitch", False): Advice("Raise your chin a little", "请稍微抬头"),
    ("pitch", True): Advice("Lower your chin a little", "请稍微低头"),
    ("roll", False): Advice("Hold your head upright", "请把头摆正"),
    ("mouth", True): Advice("Take off your mask and keep hands away from your face", "请摘下口罩，手不要遮挡面部"),
    ("eyes", True): Advice("Take off dark glasses and move hair away from your eyes", "请摘下墨镜，拨开遮住眼睛的头发"),
    ("brightness", True): Advice("It is too dark: turn towards the light", "光线太暗，请转向光源"),
    ("brightness", False): Advice("It is too bright: step out of the strong light", "光线太强，请避开强光"),
    ("contrast", True): Advice("The light is behind you: turn so that your face is lit", "逆光，请转身让光照到脸上"),
    ("glare", False): Advice("Light reflects from your face or glasses: turn a little", "面部或眼镜反光，请稍微转动"),
    ("sharpness", True): HOLD_STILL,
}
