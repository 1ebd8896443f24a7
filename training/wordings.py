"""How the questions are worded. Lists only; `HELD_OUT` wordings are for evaluation and never trained on.

Slots: {pic} picture, image, photo or scene; {a} "a dog"; {one} "dog"; {many} "dogs"; {class} "animals"; {left} a direction phrase;
{fields} "animals and count"; {types} "{ animals: string[], count: number }". The last three lists are for forms (forms.py): "form" names
the fields, the other two do not.
"""

PICTURES = ["picture", "image", "photo", "scene"]

TRAINED = {
    "what": ["What is in the {pic}?", "What do you see?", "What can you see in the {pic}?", "Which things are in the {pic}?",
             "Name the things in the {pic}.", "List everything you see.", "What does the {pic} show?", "What is there?",
             "Tell me what is in this {pic}.", "Which objects can you see?", "Please list what is in the {pic}.",
             "Can you name the objects in the {pic}?", "Say what you can see."],
    "count": ["How many things are in the {pic}?", "How many objects do you see?", "Count the objects.", "How many things are there?",
              "What is the number of objects in the {pic}?", "How many objects does the {pic} show?", "Count the things in this {pic}.",
              "Tell me how many things you see."],
    "count_kind": ["How many {many} are there?", "How many {many} do you see?", "Count the {many}.", "How many {many} are in the {pic}?",
                   "What is the number of {many}?", "How many {many} does the {pic} show?", "Count the {many} in the {pic}.",
                   "Tell me how many {many} there are."],
    "exist": ["Is there {a}?", "Is there {a} in the {pic}?", "Do you see {a}?", "Can you see {a} in the {pic}?",
              "Does the {pic} show {a}?", "Is {a} in this {pic}?", "Are there any {many}?", "Do you see any {many} in the {pic}?",
              "Does this {pic} have {a}?"],
    "where": ["Where is the {one}?", "Where is the {one} in the {pic}?", "Where do you see the {one}?", "Where can I find the {one}?",
              "In which part of the {pic} is the {one}?", "Tell me where the {one} is.", "Which place does the {one} have?",
              "Find the {one}.", "Where in this {pic} is the {one}?", "Please find the {one}.", "Could you find the {one} for me?",
              "Can you tell me where the {one} is?", "Show me the {one}.", "Where exactly is the {one}?",
              "In what part of the {pic} do you see the {one}?", "Say where the {one} is.", "What is the place of the {one}?"],
    "relation": ["What is {left} the {one}?", "What do you see {left} the {one}?", "Which thing is {left} the {one}?",
                 "What is directly {left} the {one}?", "Tell me what is {left} the {one}.", "Name the thing {left} the {one}.",
                 "Which object is next {left} the {one}?", "What can you see {left} the {one} in the {pic}?",
                 "Can you tell me what is {left} the {one}?", "Which thing do you see {left} the {one}?", "Say what is {left} the {one}."],
    "category": ["Which {class} are in the {pic}?", "Which {class} do you see?", "Name the {class}.", "List the {class} in the {pic}.",
                 "Which {class} are there?", "Tell me which {class} you see.", "What {class} does the {pic} show?",
                 "What {class} can you see?", "Can you name all {class} in the {pic}?", "Please list all {class} that you see."],
    "background": ["What is the background?", "What is in the background of the {pic}?", "What does the background show?",
                   "Which background does the {pic} have?", "What is behind the objects?", "What is behind everything?",
                   "Tell me what the background is.", "Name the background.", "What kind of background is it?"],
    "describe": ["Describe the {pic}.", "Describe what you see.", "Please describe this {pic}.", "Give a description of the {pic}.",
                 "Tell me about the {pic}.", "What is the {pic} about?", "Write about this {pic}.", "Explain what the {pic} shows.",
                 "Can you describe the {pic}?", "Could you tell me what this {pic} is about?", "Give me a short description of the {pic}."],
    "form": ["Answer in JSON with the fields {fields}.", "Answer in JSON with {fields}.", "Give {fields} as JSON.",
             "Fill in the fields {fields}.", "Write a JSON object with the fields {fields}.", "Reply in JSON. The fields are {fields}.",
             "Return JSON: {types}", "Answer as {types}.", "Fill in this form: {types}", "JSON with {fields} please.",
             "Use JSON with the fields {fields}.", "Describe the {pic} as JSON with {fields}.", "Return a JSON object with {fields}.",
             "Fill in {fields}.", "Give me JSON with the fields {fields}.", "What are {fields}? Answer in JSON."],
    "list": ["Which {class} are in the {pic}, and how many?", "Which {class} do you see, and how many are there?", "Name and count the {class}.",
             "List the {class} and their number.", "Which {class} can you see, and how many?", "Find all {class} in this {pic}.",
             "Tell me which {class} there are and how many.", "Name the {class} and count them."],
    "blank": ["Fill in the form.", "Fill in this form.", "Fill in the fields.", "Please fill in the form.", "Complete the form.",
              "Read the {pic}.", "Look at the {pic} and fill in the form.", "Answer in JSON.", "Extract the data.", "What is here?"],
}
HELD_OUT = {
    "what": ["Which things do you see in this {pic}?", "Tell me what you see.", "List the objects in the {pic}."],
    "count": ["How many objects are in this {pic}?", "Tell me the number of things.", "How many things can you see?"],
    "count_kind": ["How many {many} can you see?", "Tell me the number of {many}.", "How many {many} are in this {pic}?"],
    "exist": ["Can you see {a}?", "Is there {a} in this {pic}?", "Does the {pic} have any {many}?"],
    "where": ["Where in the {pic} do you see the {one}?", "Can you find the {one}?", "In which place is the {one}?"],
    "relation": ["Which object is {left} the {one}?", "Tell me which thing is {left} the {one}.", "What does the {pic} show {left} the {one}?"],
    "category": ["Which {class} can you see?", "List the {class}.", "Tell me which {class} are in the {pic}."],
    "background": ["What is the background of this {pic}?", "What do you see in the background?", "What is behind the things?"],
    "describe": ["Describe this {pic}.", "Can you tell me about this {pic}?", "Give me a description."],
    "form": ["Please answer in JSON with {fields}.", "Give a JSON object with the fields {fields}.", "Answer with JSON: {types}"],
    "list": ["Which {class} are there, and how many?", "Count and name the {class}.", "List and count the {class} in the {pic}."],
    "blank": ["Fill in the form for this {pic}.", "Complete the fields.", "Please read this {pic}."],
}
DIRECTIONS = {("x", -1): ["left of", "to the left of"], ("x", 1): ["right of", "to the right of"],
              ("y", -1): ["above", "over"], ("y", 1): ["below", "under"]}

FILLERS = ["It is a nice little picture.", "The colors are bright and clear.", "I like to look at it.",
           "Everything is easy to see here.", "Thank you for asking me this."]
WORDS = """river garden music summer friend story paper window bridge mountain village letter market winter morning school
party travel golden silver simple happy quiet gentle bright little clever famous evening island castle doctor teacher sister
brother kitchen pocket candle ribbon mirror blanket basket pencil circle planet shadow thunder rainbow holiday journey
secret wonder answer number memory nature future history science energy weather feather leather button cotton velvet honey
butter sugar coffee ocean desert valley meadow harbor tunnel corner ladder engine signal ticket wallet jacket pillow carpet
dragon wizard knight queen prince giant pirate robot hero magic dream smile laugh dance light stone cloud storm""".split()
PHRASES = ["That is all", "I hope this helps", "Have a nice day", "Thank you for asking", "See you soon", "Ask me again",
           "Is there anything else", "Here is my answer", "Let me see", "This is what I know", "My answer is this", "Look at this",
           "Good question", "As you can see", "To be honest", "I am happy to help", "Let me tell you", "You are welcome",
           "Any other questions", "What a day", "Hello my friend", "In my opinion", "Take care", "Best wishes"]
SYLLABLES = "ba ce di fo gu ha je ki lo mu na pe ri so tu va we xi yo zu bra cle dri sto gru".split()
