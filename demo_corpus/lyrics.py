"""What is sung: four-line stanzas with the metre that the melody needs.

English stanzas are the project's own. Among the Mandarin ones are Tang poems (Li Bai, Du Fu, Wang Wei, Meng Haoran,
Zhang Ji, Du Mu, Li He, Lu Lun), which are in the public domain; the rest are the project's own.
"""

from typing import NamedTuple

IAMB_8 = "x/x/x/x/"  # weak, strong, ...: eight syllables, four beats
TROCHEE_7 = "/x/x/x/"
LINE_5 = "/x/x/"


class Stanza(NamedTuple):
    """Four lines of one metre; every sign of `metre` is a syllable, `/` falls on a beat."""

    quadrant: str
    metre: str
    lines: tuple


def _stanzas(text, metre_of):
    """Read paragraphs whose first line is a quadrant."""
    paragraphs = [paragraph.strip().splitlines() for paragraph in text.strip().split("\n\n")]
    return tuple(Stanza(quadrant, metre_of(lines), tuple(lines)) for quadrant, *lines in paragraphs)


def _english_metre(lines):
    """Stanzas that begin with a capital are trochaic, the others have an upbeat."""
    return TROCHEE_7 if lines[0][0].isupper() else IAMB_8


def _mandarin_metre(lines):
    return TROCHEE_7 if len(lines[0]) == 7 else LINE_5


STANZAS = {
    "english": _stanzas("""
Q1
the morning sun is on the hill
and all the bells begin to ring
we run until the world is still
and every open heart can sing

Q1
Dance along the summer street
clap your hands and turn around
feel the music in your feet
lift your shadow off the ground

Q1
come out and dance the night is young
the lights are gold along the bay
the sweetest song is yet unsung
so take my hand and fly away

Q2
the engine wheels are rolling on
the thunder breaks above the town
the gates are shut the guards are gone
and every wall is coming down

Q2
Break the window burn the page
no one hears you when you call
beat the drum against the cage
run before the shadows fall

Q2
we hear the hammer in the dark
the wolves are calling at the door
one angry word one bitter spark
and peace is what we had before

Q3
the rain is falling on the stone
your letter lies beside the bed
I walk the winter road alone
and think of all the words unsaid

Q3
my love has gone across the sea
the candle burns so low tonight
the empty chair remembers me
and no one comes to bring a light

Q3
Slowly falls the autumn leaf
softly closes every door
winter is a silent thief
she will come to me no more

Q4
the river rocks the little boat
the moon is resting in the tree
a gentle song begins to float
and all is well with you and me

Q4
Close your eyes the day is done
stars are waking one by one
cool and gentle is the night
sleep until the morning light

Q4
we sat together in the shade
the summer fields were soft and wide
a simple tune the water made
and time was walking side by side
""", _english_metre),
    "mandarin": _stanzas("""
Q1
春天来到我们家
满山开遍小红花
你唱歌来我跳舞
今天快乐笑哈哈

Q1
朝辞白帝彩云间
千里江陵一日还
两岸猿声啼不住
轻舟已过万重山

Q1
阳光洒在大路上
朋友一起向前方
歌声飞过高山顶
心中充满新希望

Q2
黑云压城城欲摧
甲光向日金鳞开
角声满天秋色里
塞上燕脂凝夜紫

Q2
大风吹断桥边树
雷声打破夜半天
谁在门外高声喊
火光照亮你的脸

Q2
月黑雁飞高
单于夜遁逃
欲将轻骑逐
大雪满弓刀

Q3
床前明月光
疑是地上霜
举头望明月
低头思故乡

Q3
月落乌啼霜满天
江枫渔火对愁眠
姑苏城外寒山寺
夜半钟声到客船

Q3
清明时节雨纷纷
路上行人欲断魂
借问酒家何处有
牧童遥指杏花村

Q3
你走以后雨不停
空空房间冷清清
旧信一封放桌上
一夜无眠到天明

Q4
春眠不觉晓
处处闻啼鸟
夜来风雨声
花落知多少

Q4
空山新雨后
天气晚来秋
明月松间照
清泉石上流

Q4
小船轻轻水上摇
月亮弯弯挂树梢
宝宝睡吧快睡吧
妈妈唱着小歌谣

Q4
好雨知时节
当春乃发生
随风潜入夜
润物细无声
""", _mandarin_metre),
}
