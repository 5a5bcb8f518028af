"""What cannot be read in pictures, and why, in 简体中文."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

SENTENCES: Final[Mapping[str, str]] = {
    # Models (vision.models.directory, vision.extra).
    "There are no models at {}": "{} 中没有模型",
    "the directory is not there": "目录不存在",
    "Make them, without the network, with: {}": "无需联网即可生成：{}",
    "There is no model {} in {}": "{1} 中没有模型 {0}",
    "its directory is not there": "其目录不存在",
    "Make the default models with: {}; add your own with: edge-agent models add DIR --dir {}": (
        "生成默认模型：{}；添加自有模型：edge-agent models add 目录 --dir {}"
    ),
    "The model in {} is for {}": "{} 中的模型用于 {}",
    "Put it where it belongs": "请放到相应目录",
    "The model {} ({}) is not used": "模型 {}（{}）不予使用",
    "its licence, {}, does not allow use at a gate without an agreement": "其许可 {} 不允许未经授权在闸口使用",
    "its operator_licence {} names no agreement": "其 operator_licence {} 未写明授权",
    "Use another, or have the agreement's reference as operator_licence in its manifest": (
        "请换用其他模型，或在其清单的 operator_licence 中写明授权编号"
    ),
    "The model {} ({}) does not belong to {}": "模型 {}（{}）与 {} 不配套",
    "its threshold was measured with another face detector": "其阈值是用另一个人脸检测模型测得的",
    "Add both together: edge-agent models add DIR, with face-detector and face-recogniser in DIR": (
        "请一并添加：edge-agent models add 目录，目录中含 face-detector 和 face-recogniser"
    ),
    "The model {} is not the one that was built": "模型 {} 不是生成时的模型",
    "the SHA-256 of {} is not what its manifest says": "{} 的 SHA-256 与清单不符",
    "Somebody or something changed it: find out, then {}": "文件被改动过：请查明原因，再执行 {}",
    "The model {} has no labels": "模型 {} 没有标签",
    "{} is no JSON list of texts": "{} 不是 JSON 文本列表",
    "See docs/vision/models.md": "请查看 docs/vision/models.md",
    "The model {} cannot be loaded": "模型 {} 无法加载",
    "The model {} cannot be used": "模型 {} 不能使用",
    "{} is wrong": "{} 有误",
    "See docs/vision/models.md for what it holds": "其内容见 docs/vision/models.md",
    "The model in {} is not whole": "{} 中的模型不完整",
    "{} is missing": "缺少 {}",
    "{} is not taken": "{} 不予使用",
    "it is no plain file of at most {} MiB": "不是普通文件，或超过 {} MiB",
    "{} cannot be done here": "本机不能执行：{}",
    "{} cannot be read here": "本机不能读取：{}",
    "the library {} is not {} ({})": "程序库 {} {}（{}）",
    "the library {} is not installed ({})": "未安装程序库 {}（{}）",
    "installed": "未安装",
    "complete": "不完整",
    "Install it with: pip install 'tidegate[edge,vision]'": "安装：pip install 'tidegate[edge,vision]'",
    "Install it with: pip install 'tidegate[edge,devices]'": "安装：pip install 'tidegate[edge,devices]'",
    "Reading cameras": "读取摄像机",
    "Running models": "运行模型",
    "Reading pictures": "读取图像",
    "Reading plates": "识别车牌",
    "Finding plates": "检测车牌",
    "Reading container numbers": "识别箱号",
    "Reading text": "识别文字",
    "Finding faces": "检测人脸",
    "Reading faces": "读取人脸",
    "Comparing faces": "比对人脸",
    "Finding seals and labels": "检测封志和标签",
    "Preparing pictures": "处理图像",
    "Watching for motion": "检测移动",
    "Watching a camera's exposure": "检测画面曝光",
    # Pictures (vision.image, app.vision_source).
    "the picture": "图像",
    "a picture of {}": "{} 的图像",
    "a picture in {}": "{} 中的图像",
    "{} is no picture that can be read": "{} 不是可读取的图像",
    "it is empty": "文件为空",
    "it is larger than {} MiB": "超过 {} MiB",
    "it is damaged or cut short": "文件损坏或不完整",
    "it is {}, not a file": "是{}，不是文件",
    "a device, pipe or socket": "设备、管道或套接字",
    "a directory": "目录",
    "Give a JPEG, PNG, BMP or WebP picture": "请使用 JPEG、PNG、BMP 或 WebP 图像",
    "Give a smaller one": "请使用较小的图像",
    # Galleries and portraits (app.vision_galleries, vision_portraits, vision_faces).
    "the galleries in {} cannot be destroyed": "无法销毁 {} 中的人像库",
    "Give the directory and its files to the agent's user (chown), or delete them": (
        "请将目录和文件改归采集程序的运行用户（chown），或将其删除"
    ),
    "the directory for portraits {} cannot be used": "证件照目录 {} 不能使用",
    "Correct `portraits`, or let the agent's user read and delete in it": (
        "请更正 portraits，或允许采集程序的运行用户在其中读取和删除"
    ),
    "no sailing's gallery is open": "没有已打开的航次人像库",
    "waiting for a document": "等待证件",
    "the document's portrait": "证件照",
}
"""By the English sentence."""
