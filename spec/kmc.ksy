meta:
  id: kmc
  title: KMC 1 palette image
  file-extension: kmc
  xref:
    mime: image/x-kmc
  ks-version: '0.10'
  endian: le
  encoding: UTF-8
doc: |
  One palette image: a palette (a list of colours) and an index map (for every pixel, the number
  of its palette entry). This description takes a file to pieces. It does not check the CRCs,
  decode the payloads of the strips or decompress the data of sections; see kmc-1.md, whose
  section numbers the fields below give.
doc-ref: kmc-1.md
seq:
  - id: header
    type: header
    doc: Section 3.
  - id: palette
    size: len_plain_palette
    if: not header.palette_coded and not header.is_ramp
    doc: Section 4; none if the palette is the ramp of section 4.3. Entry 0 first, one byte for each channel.
  - id: coded_palette
    type: coded_palette(len_plain_palette)
    if: header.palette_coded
    doc: Section 4, and section 12 of context.md.
  - id: palette_crc
    type: u4
    if: not header.is_ramp
    doc: CRC-32 of the palette, or of length and payload of the coded palette.
  - id: frame_table
    type: frame_table
    if: header.has_frames
    doc: Section 4.1.
  - id: scene_palettes
    type: scene_palette(_index)
    repeat: expr
    repeat-expr: num_scenes - 1
    doc: Section 4.2, of all scenes but the first.
  - id: strips
    type: strip
    repeat: expr
    repeat-expr: num_strips * num_scenes
    doc: |
      Section 5, those of the first scene first, top first; each holds these rows of all frames of
      its scene. Without scenes, all frames are one.
  - id: sections
    type: section
    repeat: until
    repeat-until: _.type == "KEND"
    if: header.has_sections
    doc: |
      Section 7, up to and including KEND, which at most 1,024 others precede.
  - id: trailing
    size-eos: true
    valid:
      expr: _.length == 0 and (not header.has_sections or sections.size <= 1025)
    doc: The file ends after the last part.
instances:
  num_entries:
    value: header.entries_less_1 + 1
    doc: K, 1 to 65536.
  len_plain_palette:
    value: num_entries * header.channels.to_i
    doc: Bytes of the palette if it is not coded.
  num_scenes:
    value: 'header.has_frames and frame_table.has_scenes ? frame_table.scenes.num_scenes : 1'
  num_strips:
    value: |
      header.rows_per_strip == 0
      ? 1
      : (header.height - 1) / header.rows_per_strip + 1
    doc: Height / rows per strip, rounded up; 1 if rows per strip is 0. Of each scene.
  index_bits:
    value: |
      num_entries <= 1 ? 0 :
      num_entries <= 2 ? 1 :
      num_entries <= 4 ? 2 :
      num_entries <= 8 ? 3 :
      num_entries <= 16 ? 4 :
      num_entries <= 32 ? 5 :
      num_entries <= 64 ? 6 :
      num_entries <= 128 ? 7 :
      num_entries <= 256 ? 8 :
      num_entries <= 512 ? 9 :
      num_entries <= 1024 ? 10 :
      num_entries <= 2048 ? 11 :
      num_entries <= 4096 ? 12 :
      num_entries <= 8192 ? 13 :
      num_entries <= 16384 ? 14 :
      num_entries <= 32768 ? 15 : 16
    doc: b of section 6, the bits an index takes in packed rows (coding 0) of the first scene.
types:
  header:
    doc: 28 bytes; later versions keep the signature and the places of version and CRC.
    seq:
      - id: signature
        contents: [0x8b, 0x4b, 0x4d, 0x43, 0x0d, 0x0a, 0x1a, 0x0a]
      - id: version
        type: u1
        valid: 1
      - id: coding
        type: u1
        enum: coding
        valid:
          any-of:
            - coding::packed
            - coding::deflate
            - coding::additive_fast
            - coding::context_default
            - coding::context_max
            - coding::additive_fastest
            - coding::labels
      - id: channels
        type: u1
        enum: channels
        valid:
          any-of:
            - channels::grey
            - channels::grey_alpha
            - channels::rgb
            - channels::rgb_alpha
      - id: flags
        type: u1
        valid:
          expr: _ <= 15 and ((_ & 2) == 0 or coding.to_i >= 2) and ((_ & 8) == 0 or (_ & 6) == 0)
        doc: |
          Bit 0, sections follow the strips; bit 1, the palette is coded, only with coding 2
          to 6; bit 2, several frames; bit 3, the palette is the ramp of section 4.3, only without
          bits 1 and 2. Bits 4 to 7 are reserved and 0.
      - id: width
        type: u4
        valid:
          min: 1
          max: 2147483647
      - id: height
        type: u4
        valid:
          min: 1
          max: 2147483647
      - id: entries_less_1
        type: u2
        valid:
          expr: '(flags & 8) == 0 or channels.to_i == (_ < 256 ? 1 : 3)'
        doc: The ramp is grey up to 256 entries, else red, green, blue.
      - id: rows_per_strip
        type: u2
        doc: 0 means that the whole image is one strip; may be larger than the height.
      - id: crc
        type: u4
        doc: CRC-32 of the 24 bytes before it.
    instances:
      has_sections:
        value: (flags & 1) != 0
      palette_coded:
        value: (flags & 2) != 0
      has_frames:
        value: (flags & 4) != 0
      is_ramp:
        value: (flags & 8) != 0
  coded_palette:
    doc: A palette of that many bytes, coded; section 12 of context.md.
    params:
      - id: len_plain
        type: u4
    seq:
      - id: len_payload
        type:
          switch-on: 'len_plain <= 256 ? 1 : len_plain <= 65536 ? 2 : 4'
          cases:
            1: u1
            2: u2
            4: u4
        valid:
          expr: _ < len_plain
      - id: payload
        size: len_payload
  frame_table:
    doc: Width and height of the header are those of one frame.
    seq:
      - id: num_frames
        type: u4
        valid:
          min: 1
          max: 65536
      - id: flags
        type: u1
        valid:
          max: 7
        doc: |
          Bit 0, the frames' rows (with scenes, those of the first) are coded below each other, not
          side by side; bit 1, each frame has its own duration; bit 2, there are several scenes.
      - id: loop
        type: u4
        doc: How often all frames are shown, 0 forever.
      - id: durations
        type: u4
        repeat: expr
        repeat-expr: '(flags & 2) != 0 ? num_frames : 1'
        doc: Milliseconds.
      - id: scenes
        type: scene_table(num_frames)
        if: has_scenes
        doc: Section 4.2.
      - id: crc
        type: u4
        doc: CRC-32 of all fields before it.
    instances:
      interleaved:
        value: (flags & 1) != 0
      has_scenes:
        value: (flags & 4) != 0
  scene_table:
    doc: Scenes are frames with a palette of their own, and are coded by themselves.
    params:
      - id: num_all_frames
        type: u4
    seq:
      - id: num_scenes
        type: u4
        valid:
          min: 1
          max: num_all_frames
      - id: num_first_frames
        type: u4
        valid:
          min: 1
          max: num_all_frames
        doc: Of the first scene, whose palette is that of the file.
      - id: further
        type: 'scene(_index == 0 ? num_first_frames : further[_index - 1].end)'
        repeat: expr
        repeat-expr: num_scenes - 1
      - size: 0
        valid:
          expr: num_frames == num_all_frames
        doc: Nothing; the frames of all scenes are as many as the frame table says.
    instances:
      num_frames:
        value: 'num_scenes == 1 ? num_first_frames : further.last.end'
  scene:
    doc: A scene after the first.
    params:
      - id: before
        type: u4
        doc: Frames of all scenes before it.
    seq:
      - id: num_frames
        type: u4
        valid:
          min: 1
          max: _parent.num_all_frames - before
      - id: flags
        type: u1
        valid:
          expr: _ <= 3 and ((_ & 2) == 0 or _root.header.coding.to_i >= 2)
        doc: |
          Bit 0, its frames are coded below each other; bit 1, its palette is coded, only with
          coding 2 to 5. Bits 2 to 7 are reserved and 0.
      - id: entries_less_1
        type: u2
        valid:
          expr: _ / _root.header.width / _root.header.height < num_frames
        doc: Its entries are at most as many as its pixels.
    instances:
      end:
        value: before + num_frames
      interleaved:
        value: (flags & 1) != 0
      palette_coded:
        value: (flags & 2) != 0
      num_entries:
        value: entries_less_1 + 1
      len_plain_palette:
        value: num_entries * _root.header.channels.to_i
  scene_palette:
    doc: As the palette of the file.
    params:
      - id: number
        type: u4
        doc: 0 is that of the second scene.
    seq:
      - id: palette
        size: scene.len_plain_palette
        if: not scene.palette_coded
      - id: coded_palette
        type: coded_palette(scene.len_plain_palette)
        if: scene.palette_coded
      - id: crc
        type: u4
        doc: As palette_crc.
    instances:
      scene:
        value: _root.frame_table.scenes.further[number]
  strip:
    doc: Some whole rows, coded independently.
    seq:
      - id: len_payload
        type: u4
      - id: crc
        type: u4
        doc: CRC-32 of the number of the strip (from 0, in the file) as u4, of len_payload, of the payload.
      - id: payload
        size: len_payload
        doc: |
          Packed rows (coding 0), a zlib stream of packed rows (coding 1), the bytes of the additive
          coder (coding 2 and 5), of the context coder (coding 3 and 4) or of the label coder (coding
          6); section 6.
  section:
    seq:
      - id: type
        type: str
        size: 4
        encoding: ASCII
        doc: Four letters; a small first letter makes the section optional.
      - id: len_payload
        type: u4
        valid:
          expr: type != "KEND" or _ == 0
      - id: payload
        size: len_payload
        type:
          switch-on: type
          cases:
            '"iccp"': metadata
            '"exif"': metadata
            '"xmpp"': metadata
            '"text"': metadata
            '"labl"': labels
        doc: Metadata of the five known types; else just bytes.
      - id: crc
        type: u4
        doc: CRC-32 of type, length and payload.
  metadata:
    seq:
      - id: storage
        type: u1
        enum: storage
        valid:
          any-of: ['storage::plain', 'storage::deflate']
      - id: data
        size-eos: true
        valid:
          expr: _.length >= 1
        doc: |
          The data, or with storage 1 a zlib stream of the data: an ICC profile, EXIF, XMP, or a
          keyword, a zero byte and text.
  labels:
    doc: What labels the pixels stand for; section 7.1.
    seq:
      - id: storage
        type: u1
        enum: storage
        valid:
          any-of: ['storage::plain', 'storage::deflate']
      - id: table
        type: label_table
        if: storage == storage::plain
      - id: deflated
        size-eos: true
        if: storage == storage::deflate
        doc: A zlib stream of a table.
      - id: rest
        size-eos: true
        valid:
          expr: _.length == 0
        doc: Nothing.
  label_table:
    seq:
      - id: dtype
        type: u1
        enum: dtype
        valid:
          in-enum: true
      - id: num_axes
        type: u1
        valid:
          max: 32
      - id: lengths
        type: number
        repeat: expr
        repeat-expr: num_axes
        doc: The slowest axis first.
      - id: planes
        type: u1
        valid:
          max: 8
        doc: 0, or in how many bytes each value is stored, in images below each other.
      - id: values_less_1
        type: number
        if: planes == 0
      - id: first
        type: number
        doc: The least value, less the least of the dtype.
      - id: form
        type: u1
        valid:
          expr: _ < 32 and (_ & 15) <= 8
        if: planes == 0
      - id: len_packed
        type: number
        if: planes == 0 and form >= 16
      - id: gaps
        size: 'form < 16 ? (form & 15) * values_less_1.value : len_packed.value'
        if: planes == 0
        doc: |
          Distances of values less 1, in planes of their bytes, the lowest bytes first; from form 16
          on a zlib stream of these.
    instances:
      num_values:
        value: values_less_1.value + 1
        if: planes == 0
  number:
    doc: |
      Groups of seven bits, the lowest first; section 10 of labels.md. A parser of lengths needs no
      more than four groups.
    seq:
      - id: groups
        type: u1
        repeat: until
        repeat-until: _ < 128
    instances:
      value:
        value: >-
          (groups[0] & 127)
          + (groups.size > 1 ? (groups[1] & 127) * 128 : 0)
          + (groups.size > 2 ? (groups[2] & 127) * 16384 : 0)
          + (groups.size > 3 ? (groups[3] & 127) * 2097152 : 0)
enums:
  dtype:
    0: bool
    1: s1
    2: u1
    3: s2le
    4: u2le
    5: s2be
    6: u2be
    7: s4le
    8: u4le
    9: s4be
    10: u4be
    11: s8le
    12: u8le
    13: s8be
    14: u8be
  coding:
    0:
      id: packed
      doc: Packed rows with the fewest bits an index that the palette needs.
    1:
      id: deflate
      doc: A zlib stream of packed rows with 0, 1, 2, 4, 8 or 16 bits an index.
    2:
      id: additive_fast
      doc: The additive coder, profile fast; additive.md.
    3:
      id: context_default
      doc: The context coder, profile default; context.md.
    4:
      id: context_max
      doc: The context coder, profile max.
    5:
      id: additive_fastest
      doc: The additive coder, profile fastest.
    6:
      id: labels
      doc: The label coder; labels.md.
  channels:
    1: grey
    2: grey_alpha
    3: rgb
    4: rgb_alpha
  storage:
    0: plain
    1: deflate
